import { createHash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { HoldfastError, errorText, isHoldfastError } from '../core/errors';
import { zlibMember } from './compressor';
import { indexLineSchema, isIndexEntry, type IndexEntry, type IndexLine } from './index-line';
import { indexName } from './paths';

const blockContent = 1024 * 1024;
const longestLine = 64 * 1024 * 1024;
const level = 6;

/** Size and digest of a file, as MANIFEST keeps them. */
export interface FileDigest {
  /** Bytes. */
  readonly size: number;
  /** SHA-256, hex. */
  readonly sha256: string;
}

/** Writes INDEX: gzip members of about 1 MiB of JSON Lines, in bounded memory. */
export class IndexWriter {
  readonly #handle: FileHandle;
  readonly #hash = createHash('sha256');
  #lines: string[] = [];
  #characters = 0;
  #size = 0;

  private constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** Creates the file at `path` with mode 0600; fails when it exists. */
  static async create(path: string): Promise<IndexWriter> {
    return new IndexWriter(await open(path, 'wx', 0o600));
  }

  async add(line: IndexLine): Promise<void> {
    const text = `${JSON.stringify(line)}\n`;
    this.#lines.push(text);
    this.#characters += text.length;
    if (this.#characters >= blockContent) await this.#flush();
  }

  /** Syncs the file and closes it. */
  async finish(): Promise<FileDigest> {
    await this.#flush();
    await this.#handle.sync();
    await this.#handle.close();
    return { size: this.#size, sha256: this.#hash.digest('hex') };
  }

  /** Closes the file as it is, after a failure. */
  async abandon(): Promise<void> {
    await this.#handle.close();
  }

  async #flush(): Promise<void> {
    if (this.#lines.length === 0) return;
    const stored = await zlibMember(Buffer.from(this.#lines.join('')), level);
    this.#lines = [];
    this.#characters = 0;
    this.#hash.update(stored);
    this.#size += stored.length;
    await this.#handle.appendFile(stored);
  }
}

function damaged(archive: string, line: number, reason: string, cause?: unknown): HoldfastError {
  const where = `line ${line} of its ${indexName}`;
  return new HoldfastError('HF-ARCHIVE-001', { archive, where, reason }, { cause });
}

async function* lines(plain: AsyncIterable<Buffer>, archive: string): AsyncGenerator<Buffer> {
  let rest: Buffer[] = [];
  let length = 0;
  let number = 1;
  for await (const chunk of plain) {
    let from = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, from)) {
      yield Buffer.concat([...rest, chunk.subarray(from, end)]);
      rest = [];
      length = 0;
      number += 1;
      from = end + 1;
    }
    if (from < chunk.length) rest.push(chunk.subarray(from));
    length += chunk.length - from;
    if (length > longestLine) throw damaged(archive, number, 'it is too long');
  }
  if (length > 0) throw damaged(archive, number, 'it ends in the middle of a line');
}

function parseLine(bytes: Buffer, archive: string, number: number): IndexLine {
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw damaged(archive, number, 'it is not JSON', cause);
  }
  const parsed = indexLineSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw damaged(archive, number, `${issue?.path.join('.')}: ${issue?.message}`, parsed.error);
}

/** How readIndex names and checks what it reads. */
export interface ReadIndexOptions {
  /** The archive the index belongs to, for errors. */
  readonly archive: string;
  /** What MANIFEST says about the index; checked when the last line has been read. */
  readonly expect?: FileDigest;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The lines of an INDEX given as its stored (plain, gzip) bytes, in bounded memory. The digest is
 * proven only after the last line.
 * @throws HoldfastError HF-ARCHIVE-001 naming the line; whatever the source throws.
 */
export async function* readIndex(
  stored: AsyncIterable<Uint8Array>,
  options: ReadIndexOptions,
): AsyncGenerator<IndexLine> {
  const { archive, expect, signal } = options;
  const hash = createHash('sha256');
  let size = 0;
  const counted = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of stored) {
      signal?.throwIfAborted();
      hash.update(chunk);
      size += chunk.byteLength;
      yield chunk;
    }
  };
  const source = Readable.from(counted(), { objectMode: false });
  const plain = createGunzip({ chunkSize: 64 * 1024 });
  let unreadable: Error | undefined;
  source.on('error', (error) => {
    unreadable = error;
    plain.destroy(error);
  });
  source.pipe(plain);
  let number = 0;
  try {
    for await (const line of lines(plain, archive)) {
      number += 1;
      yield parseLine(line, archive, number);
    }
  } catch (cause) {
    if (cause === unreadable || isHoldfastError(cause)) throw cause;
    throw damaged(archive, number + 1, errorText(cause), cause);
  } finally {
    source.destroy();
    plain.destroy();
  }
  if (expect === undefined) return;
  if (size !== expect.size || hash.digest('hex') !== expect.sha256) {
    throw damaged(archive, number, `${indexName} is not the one MANIFEST names`);
  }
}

/** The entries of an index by path. */
export type IndexEntries = ReadonlyMap<string, IndexEntry>;

/**
 * Reads an INDEX whole and keeps its entries (not headers and padding): memory grows with their
 * number, about 1 KB each.
 * @throws HoldfastError HF-ARCHIVE-001 as readIndex, and for a path that is there twice.
 */
export async function loadIndex(
  stored: AsyncIterable<Uint8Array>,
  options: ReadIndexOptions,
): Promise<IndexEntries> {
  const entries = new Map<string, IndexEntry>();
  let number = 0;
  for await (const line of readIndex(stored, options)) {
    number += 1;
    if (!isIndexEntry(line)) continue;
    if (entries.has(line.path)) throw damaged(options.archive, number, 'a path is there twice');
    entries.set(line.path, line);
  }
  return entries;
}
