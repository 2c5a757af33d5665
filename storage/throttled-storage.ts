import { Readable } from 'node:stream';
import type { ByteBudget } from '../core/byte-budget';
import type { BackupStorage } from './contract';
import { wrapStorage } from './wrapped-storage';

const pieceBytes = 256 * 1024;

async function* slowly(
  stream: Readable,
  budget: ByteBudget,
  signal?: AbortSignal,
): AsyncGenerator<Buffer> {
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    for (let at = 0; at < chunk.length; at += pieceBytes) {
      const piece = chunk.subarray(at, at + pieceBytes);
      await budget.take(piece.length, signal);
      yield piece;
    }
  }
}

/** A storage whose streams pass no faster than the budgets allow, all of them together. */
export function throttleStorage(
  inner: BackupStorage,
  budgets: { readonly read: ByteBudget; readonly write: ByteBudget },
): BackupStorage {
  return wrapStorage(inner, {
    async sent(bytes, signal) {
      for (let at = 0; at < bytes.length; at += pieceBytes) {
        await budgets.write.take(Math.min(pieceBytes, bytes.length - at), signal);
      }
      return bytes;
    },
    received: (stream, signal) =>
      Readable.from(slowly(stream, budgets.read, signal), {
        objectMode: false,
        ...(signal ? { signal } : {}),
      }),
  });
}
