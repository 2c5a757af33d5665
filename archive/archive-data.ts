import { Readable } from 'node:stream';
import { HoldfastError, isHoldfastError } from '../core/errors';
import { canonicalArchivePaths } from './archive-paths';
import { ArchiveReading } from './archive-reading';
import { allowedEntries, gunzipped, openEntry } from './entries';

const chunkSize = 64 * 1024;
/** What an archive may hold when it is read into memory, unless told otherwise, bytes. */
const defaultLimit = 1024 * 1024 * 1024;

/** How an archive is read into memory. */
export interface ArchiveDataOptions {
  /** Name of the archive, for errors. */
  readonly name?: string;
  /** Most bytes, decompressed: 1 GiB by default. */
  readonly limit?: number;
}

/**
 * A Juju archive in memory, decompressed. For small ones: an `ArchiveWorkspace` keeps its content on
 * disk.
 */
export class ArchiveData extends ArchiveReading {
  /** Where everything is in it. */
  readonly paths = canonicalArchivePaths();
  readonly #tar: Buffer;

  /** @param tar the archive, decompressed */
  constructor(tar: Uint8Array, { name = 'the archive' }: Pick<ArchiveDataOptions, 'name'> = {}) {
    const bytes = Buffer.from(tar.buffer, tar.byteOffset, tar.byteLength);
    super({ name, file: (path) => fileOf(bytes, path, name) });
    this.#tar = bytes;
  }

  /**
   * Reads a `.tar.gz` into memory.
   *
   * @throws HoldfastError HF-ARCHIVE-001 when it is no gzip, HF-ARCHIVE-002 when it is larger than the
   * limit; whatever `archive` throws
   */
  static async read(
    archive: AsyncIterable<Uint8Array>,
    options: ArchiveDataOptions = {},
  ): Promise<ArchiveData> {
    const { name = 'the archive', limit = defaultLimit } = options;
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of gunzipped(archive, name)) {
      length += chunk.length;
      if (length > limit) {
        const reason = `it has more than ${limit} bytes`;
        throw new HoldfastError('HF-ARCHIVE-002', { archive: name, entry: name, reason });
      }
      chunks.push(chunk);
    }
    return new ArchiveData(Buffer.concat(chunks), { name });
  }

  /** The decompressed archive, from its beginning. */
  content(): Readable {
    return Readable.from(chunksOf(this.#tar), { objectMode: false });
  }
}

function* chunksOf(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += chunkSize) yield bytes.subarray(at, at + chunkSize);
}

async function fileOf(
  tar: Buffer,
  path: string,
  archive: string,
): Promise<AsyncIterable<Buffer> | undefined> {
  const entries = allowedEntries(Readable.from(chunksOf(tar)), 'archive', archive);
  try {
    return await openEntry(entries, path, { archive, label: (name) => name });
  } catch (error) {
    if (isHoldfastError(error, 'HF-ARCHIVE-006')) return undefined;
    throw error;
  }
}
