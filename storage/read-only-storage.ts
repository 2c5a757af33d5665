import { HoldfastError } from '../core/errors';
import type { BackupStorage } from './contract';
import { wrapStorage, type StorageOperation } from './wrapped-storage';

const reading = new Set<StorageOperation>([
  'listDirectories',
  'listBackups',
  'openBackup',
  'scan',
  'readFile',
  'listFiles',
]);

/** A storage that nothing can be changed in: every other call is refused with HF-STORAGE-004. */
export function readOnlyStorage(inner: BackupStorage): BackupStorage {
  return wrapStorage(inner, {
    call(operation, work) {
      if (reading.has(operation)) return work();
      return Promise.reject(new HoldfastError('HF-STORAGE-004', { operation, mode: 'read-only' }));
    },
  });
}
