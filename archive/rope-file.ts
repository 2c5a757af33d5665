import { open, readFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileDurably } from '../config/durable-file';
import type { SpoolMember } from '../core/spool';
import { HoldfastError, errorText } from '../core/errors';
import type { Rope } from './rope';
import { ropeSchema } from './rope-schema';

const chunkSize = 1024 * 1024;

/** Makes a rope durable under `path` (rope.json): written beside it, synced, renamed, directory synced. */
export async function writeRope(path: string, rope: Rope): Promise<void> {
  await writeFileDurably(path, JSON.stringify(rope));
}

/**
 * Reads what writeRope wrote.
 * @throws HoldfastError HF-ARCHIVE-001 when it is no rope; the file system's error when it can't be read.
 */
export async function readRope(path: string): Promise<Rope> {
  const text = await readFile(path, 'utf8');
  try {
    return ropeSchema.parse(JSON.parse(text));
  } catch (cause) {
    const reason = errorText(cause);
    throw new HoldfastError(
      'HF-ARCHIVE-001',
      { archive: path, where: 'line 1', reason },
      { cause },
    );
  }
}

/** Reads ranges of the files of a run directory; keeps the file of the last range open. */
export class SpoolReader {
  readonly #runDirectory: string;
  #name: string | undefined;
  #handle: FileHandle | undefined;

  constructor(runDirectory: string) {
    this.#runDirectory = runDirectory;
  }

  /**
   * Fills `target` from byte `offset` of `file`.
   * @throws HoldfastError HF-ARCHIVE-001 when the file ends before.
   */
  async read(file: string, offset: number, target: Buffer): Promise<void> {
    const handle = await this.#open(file);
    let done = 0;
    while (done < target.length) {
      const { bytesRead } = await handle.read(target, done, target.length - done, offset + done);
      if (bytesRead === 0) {
        const where = `byte ${offset + done}`;
        const reason = 'the file ends there';
        throw new HoldfastError('HF-ARCHIVE-001', { archive: file, where, reason });
      }
      done += bytesRead;
    }
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    this.#name = undefined;
    await handle?.close();
  }

  async #open(file: string): Promise<FileHandle> {
    if (this.#handle !== undefined && this.#name === file) return this.#handle;
    await this.close();
    this.#handle = await open(join(this.#runDirectory, file), 'r');
    this.#name = file;
    return this.#handle;
  }
}

/** The stored bytes of one segment. @throws HoldfastError HF-ARCHIVE-001 when the spool is too short. */
export async function readSegment(reader: SpoolReader, segment: SpoolMember): Promise<Buffer> {
  const stored = Buffer.allocUnsafe(segment.stored);
  await reader.read(segment.file, segment.offset, stored);
  return stored;
}

/**
 * The bytes of the archive from `start` on, in chunks of 1 MiB (the last is shorter). Each chunk is
 * a buffer of its own. Nothing is verified: inspectRope has done that.
 * @throws HoldfastError HF-ARCHIVE-001 when a spool file is shorter than the rope says.
 */
export async function* openRope(
  rope: Rope,
  runDirectory: string,
  start: number,
  signal?: AbortSignal,
): AsyncGenerator<Buffer> {
  const reader = new SpoolReader(runDirectory);
  try {
    let skip = start;
    let chunk = Buffer.allocUnsafe(chunkSize);
    let filled = 0;
    for (const segment of rope.segments) {
      if (skip >= segment.stored) {
        skip -= segment.stored;
        continue;
      }
      let at = skip;
      skip = 0;
      while (at < segment.stored) {
        signal?.throwIfAborted();
        const length = Math.min(segment.stored - at, chunkSize - filled);
        await reader.read(
          segment.file,
          segment.offset + at,
          chunk.subarray(filled, filled + length),
        );
        at += length;
        filled += length;
        if (filled === chunkSize) {
          yield chunk;
          chunk = Buffer.allocUnsafe(chunkSize);
          filled = 0;
        }
      }
    }
    if (filled > 0) yield chunk.subarray(0, filled);
  } finally {
    await reader.close();
  }
}
