import type { Readable } from 'node:stream';
import { isHoldfastError } from '../core/errors';
import type { BackupStorage, UploadSource, WriteHandle } from './contract';

// Any test runner with the globals describe, it and expect will do (Jest, Vitest); none is imported.
declare const it: (title: string, body: () => Promise<void>) => void;

/**
 * A storage to be proven. Every call of the factory gives an empty one, which reports the progress of
 * an upload at least every 6 MiB.
 */
export interface StorageUnderTest {
  /** Two clients of one and the same storage, as two hosts would have. */
  readonly storage: BackupStorage;
  readonly other: BackupStorage;
  /** Removes what the test left. */
  dispose(): Promise<void>;
}

/** Where the behaviours keep their backups, and the names they use. */
export const directory = '11111111-2222-4333-8444-555555555555';
export const first = '20250101-000000.a';
export const second = '20250102-000000.a';

/** Everything a stream gives. */
export async function bytesOf(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) {
    if (!Buffer.isBuffer(chunk)) throw new TypeError('a stream of a storage gives Buffers');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Code of the HoldfastError that `work` rejects with, the text of any other, `no error` when it resolves. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'no error';
  } catch (error) {
    return isHoldfastError(error) ? error.code : String(error);
  }
}

/** UTF-8 bytes. */
export const text = (value: string): Uint8Array => new TextEncoder().encode(value);

/** Bytes without a period that a misplaced block could hide behind, the same for the same size. */
export function pattern(size: number): Buffer {
  const block = Buffer.allocUnsafe(65_521);
  let state = 0x9e3779b9;
  for (let at = 0; at < block.length; at += 1) {
    state = (state * 1_103 + 12_345) % 4_294_967_291;
    block[at] = state % 251;
  }
  const bytes = Buffer.alloc(size, block);
  for (let at = 0; at + 8 <= size; at += 4_096) bytes.writeDoubleBE(at, at);
  return bytes;
}

/** A source over bytes; each start it is read from is added to `reads`. */
export function sourceOf(bytes: Buffer, reads: number[] = []): UploadSource {
  return {
    size: bytes.length,
    async *read(start) {
      reads.push(start);
      for (let at = start; at < bytes.length; at += 65_536) {
        yield bytes.subarray(at, at + 65_536);
      }
    },
  };
}

/** Adds a file in one piece. */
export async function addWhole(
  handle: WriteHandle,
  name: string,
  content: Uint8Array,
): Promise<void> {
  const writer = await handle.addFile(name, content.length);
  await writer.write(content);
  await writer.close();
}

/** Names of the backups as they are listed. */
export async function names(storage: BackupStorage): Promise<string[]> {
  return (await storage.listBackups(directory)).map(({ name }) => name);
}

/** What a test runner's `expect` must have. */
export interface Expectation {
  toBe(expected: unknown): void;
  toEqual(expected: unknown): void;
}

/** Defines one behaviour of a storage, proven on an empty one. */
export type Behaves = (
  title: string,
  body: (storage: BackupStorage, other: BackupStorage) => Promise<void>,
) => void;

/** Makes `behaves` for the storages that `open` gives. */
export function behaviours(open: () => Promise<StorageUnderTest>): Behaves {
  return (title, body) =>
    it(title, async () => {
      const under = await open();
      try {
        await body(under.storage, under.other);
      } finally {
        await under.dispose();
      }
    });
}
