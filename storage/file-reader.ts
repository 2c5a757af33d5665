import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { HoldfastError } from '../core/errors';
import type { ByteRange } from './contract';
import { hasCode, type FileVolume } from './file-volume';

const chunkBytes = 256 * 1024;

/** A part of an open file, read in chunks of 256 KiB; closes the file however it ends. */
class FileRange extends Readable {
  #position: number;

  constructor(
    private readonly file: FileHandle,
    range: ByteRange,
    private readonly describe: (error: unknown) => Promise<Error>,
    signal: AbortSignal | undefined,
  ) {
    super({ highWaterMark: chunkBytes, ...(signal === undefined ? {} : { signal }) });
    this.#position = range.start;
    this.end = range.end;
  }

  private readonly end: number;

  override _read(): void {
    const length = Math.min(chunkBytes, this.end - this.#position);
    if (length <= 0) {
      this.push(null);
      return;
    }
    this.file.read(Buffer.allocUnsafe(length), 0, length, this.#position).then(
      ({ bytesRead, buffer }) => {
        if (bytesRead === 0) {
          void this.#fail(new Error(`the file ended at byte ${this.#position} of ${this.end}`));
          return;
        }
        this.#position += bytesRead;
        this.push(buffer.subarray(0, bytesRead));
      },
      (error: unknown) => void this.#fail(error),
    );
  }

  async #fail(error: unknown): Promise<void> {
    this.destroy(await this.describe(error));
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.file.close().then(
      () => callback(error),
      (failure: unknown) => callback(error ?? (failure instanceof Error ? failure : null)),
    );
  }
}

/**
 * Reads a file of a backup, all of it or a range. Never follows a symbolic link.
 *
 * @throws HoldfastError HF-STORAGE-007 when it is missing, HF-STORAGE-009 when it ends before the range does.
 */
export async function readStoredFile(
  volume: FileVolume,
  backup: string,
  path: string,
  name: string,
  range: ByteRange | undefined,
  signal: AbortSignal | undefined,
): Promise<Readable> {
  return volume.guard(
    'reading',
    `${backup}/${name}`,
    async () => {
      const file = await openStored(volume, backup, path, name);
      try {
        const found = await file.stat();
        if (!found.isFile()) throw new Error('it is not a regular file');
        const wanted = range ?? { start: 0, end: found.size };
        if (!(wanted.start >= 0 && wanted.start <= wanted.end)) {
          throw new RangeError(`no range of bytes: ${wanted.start} to ${wanted.end}`);
        }
        if (wanted.end > found.size) {
          throw new HoldfastError('HF-STORAGE-009', {
            storage: volume.name,
            name: `${backup}/${name}`,
            found: `${found.size} bytes`,
            expected: `at least ${wanted.end}`,
          });
        }
        const describe = (error: unknown) => volume.failure('reading', `${backup}/${name}`, error);
        return new FileRange(file, wanted, describe, signal);
      } catch (error) {
        await file.close();
        throw error;
      }
    },
    { signal },
  );
}

async function openStored(
  volume: FileVolume,
  backup: string,
  path: string,
  name: string,
): Promise<FileHandle> {
  try {
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
    throw new HoldfastError(
      'HF-STORAGE-007',
      { backup, storage: volume.name, name },
      { cause: error },
    );
  }
}
