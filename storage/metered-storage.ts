import { Transform } from 'node:stream';
import type { BackupStorage } from './contract';
import { wrapStorage, type StorageOperation } from './wrapped-storage';

/** Is told what a storage does; called for every call and every piece, so it must be quick. */
export interface StorageMeter {
  /** A call ended after so many milliseconds; `error` is what it rejected with. */
  call(operation: StorageOperation, milliseconds: number, error?: unknown): void;
  /** Bytes that were handed to the storage or came from it. */
  bytes(direction: 'read' | 'written', count: number): void;
}

/** A storage that tells `meter` what it does. `now`: milliseconds of a clock that never goes back. */
export function meterStorage(
  inner: BackupStorage,
  meter: StorageMeter,
  now: () => number,
): BackupStorage {
  return wrapStorage(inner, {
    async call(operation, work) {
      const began = now();
      try {
        const result = await work();
        meter.call(operation, now() - began);
        return result;
      } catch (error) {
        meter.call(operation, now() - began, error);
        throw error;
      }
    },
    sent(bytes) {
      meter.bytes('written', bytes.length);
      return Promise.resolve(bytes);
    },
    received(stream) {
      const counted = new Transform({
        transform(chunk: Buffer, _encoding, done) {
          meter.bytes('read', chunk.length);
          done(null, chunk);
        },
      });
      stream.once('error', (error) => counted.destroy(error));
      counted.once('close', () => stream.destroy());
      return stream.pipe(counted);
    },
  });
}
