import { createHash } from 'node:crypto';
import { storageRoot, type StorageSettings } from './storage-schema';

/**
 * What tells a storage from all others this host can reach: the same for every name it is given in
 * the configuration. Holds no secret.
 */
export function storageIdentity(storage: StorageSettings): string {
  const root = storage.type === 'file' ? `file:${storage.path}` : storageRoot(storage);
  if (storage.type !== 'module') return root;
  const options = createHash('sha256').update(JSON.stringify(storage.options)).digest('hex');
  return `${root}#${options.slice(0, 16)}`;
}
