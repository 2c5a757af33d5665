import { Readable, Transform } from 'node:stream';
import type { BackupStorage } from './contract';
import { wrapStorage, type StorageOperation } from './wrapped-storage';

/** What goes wrong: before the call, after it was done, while it is read, or in what is read. */
export type StorageFault =
  | { readonly kind: 'error'; readonly error: Error }
  | { readonly kind: 'answer lost'; readonly error: Error }
  | { readonly kind: 'slow'; readonly wait: (signal?: AbortSignal) => Promise<void> }
  | { readonly kind: 'short read'; readonly bytes: number }
  | { readonly kind: 'wrong byte'; readonly at: number };

/** A fault, where it strikes, and how often; for ever when `times` is not given. */
export interface PlannedFault {
  readonly operation: StorageOperation;
  readonly fault: StorageFault;
  readonly times?: number;
}

function cutAfter(bytes: number): Transform {
  let left = bytes;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const piece = chunk.subarray(0, left);
      left -= piece.length;
      done(null, piece);
    },
  });
}

function flipAt(position: number): Transform {
  let passed = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const at = position - passed;
      passed += chunk.length;
      const copy = Buffer.from(chunk);
      if (at >= 0 && at < copy.length) copy[at] = (copy[at] ?? 0) ^ 0x10;
      done(null, copy);
    },
  });
}

/** A storage for tests, in which the planned faults strike, those added later too; `struck` counts them. */
export function faultyStorage(
  inner: BackupStorage,
  faults: readonly PlannedFault[],
): { readonly storage: BackupStorage; readonly struck: () => number } {
  const times = new Map<PlannedFault, number>();
  let struck = 0;
  const take = (operation: StorageOperation): StorageFault | undefined => {
    const next = faults.find(
      (planned) =>
        planned.operation === operation && (times.get(planned) ?? 0) < (planned.times ?? Infinity),
    );
    if (next === undefined) return undefined;
    times.set(next, (times.get(next) ?? 0) + 1);
    struck += 1;
    return next.fault;
  };
  // A fault of the content belongs to the stream that the same call gives.
  const contents: Transform[] = [];
  const storage = wrapStorage(inner, {
    async call(operation, work, signal) {
      const fault = take(operation);
      switch (fault?.kind) {
        case undefined:
          return work();
        case 'error':
          throw fault.error;
        case 'answer lost': {
          const lost = await work();
          if (lost instanceof Readable) lost.destroy();
          throw fault.error;
        }
        case 'slow':
          await fault.wait(signal);
          return work();
        case 'short read':
          contents.push(cutAfter(fault.bytes));
          return work();
        case 'wrong byte':
          contents.push(flipAt(fault.at));
          return work();
      }
    },
    received(stream) {
      const change = contents.shift();
      if (change === undefined) return stream;
      stream.once('error', (error) => change.destroy(error));
      return stream.pipe(change);
    },
  });
  return { storage, struck: () => struck };
}
