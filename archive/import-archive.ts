import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { errorCode } from '../config/durable-file';
import { HoldfastError, errorText } from '../core/errors';
import { quoteName } from '../core/ids';
import { admitEntry } from './admit-entry';
import { BsonFrames, FrameDamage } from './bson-frames';
import type { Compressor } from './compressor';
import { EntryPolicy } from './entry-policy';
import { MemberDamage } from './gzip-members';
import { inspectRope, type RopeInspection } from './inspect-rope';
import { MemberWriter } from './member-writer';
import { parseMetadata, type ParsedMetadata } from './metadata';
import { dumpDir, filesBundle, innerPath, metadataFile, oplogFile } from './paths';
import { composeRope, type Rope, type RopeSource } from './rope';
import { SegmentFile } from './segment-file';
import type { InnerEntry, TarEntry } from './tar-entry';
import { encodeTarHeader, paddingAfter, trailerSize } from './tar-header';
import { readTar, type ReadTarEntry } from './tar-parser';

/** Files up to this many bytes stay in memory until the archive is composed, as long as their sum allows. */
const smallFile = 16 * 1024;
const smallFilesTogether = 16 * 1024 * 1024;

/** What importArchive reads, and where it writes. */
export interface ImportOptions {
  /** Name of the archive, for errors. */
  readonly archive: string;
  /** A directory for this import alone: gets `spool`, `literals` and `INDEX`. */
  readonly runDirectory: string;
  readonly compressor: Compressor;
  readonly signal?: AbortSignal | undefined;
  /** Bytes of the file read so far. */
  readonly onProgress?: (read: number) => void;
}

/** What an archive of another's making holds, laid out as Holdfast's own are. */
export interface ImportedArchive {
  readonly rope: Rope;
  readonly inspection: RopeInspection;
  /** The file as it was given. */
  readonly origin: { readonly size: number; readonly sha256: string; readonly sha1Base64: string };
  /** Undefined where there is no metadata.json: Juju 1.20 and older. */
  readonly metadata: ParsedMetadata | undefined;
  /** Machine tag whose agent's files are in root.tar; undefined when there is none. */
  readonly agent: string | undefined;
  /** Directories below `dump/`, sorted. */
  readonly databases: readonly string[];
  /** Newest time of an entry, seconds since the epoch. */
  readonly newest: number;
  /** Files and links in root.tar. */
  readonly hostFiles: number;
  /** Documents of oplog.bson; undefined when there is none. */
  readonly oplogEntries: number | undefined;
}

/**
 * Reads any archive that Juju made, of one gzip member or many, through the rules of the strict
 * reader, and lays its entries out anew: gzip members of about 4 MiB, and tar headers as Holdfast
 * writes them, so that every byte can be reached and proven. Paths, modes, owners by number, times,
 * link targets, and the content of every file but root.tar are as they were; root.tar, a tar itself,
 * holds the same entries with the same contents. What is not kept: names of users and groups in the
 * tar headers, and setuid, setgid and sticky bits of the archive's own entries (not of the host's
 * files). Memory grows with the number of entries alone; a second copy is written to `runDirectory`.
 *
 * @throws HoldfastError HF-ARCHIVE-001 naming the entry or byte where it is damaged, HF-ARCHIVE-002
 * for an entry that is not allowed, HF-ARCHIVE-003 for metadata it does not know; whatever `bytes` throws.
 */
export async function importArchive(
  bytes: AsyncIterable<Buffer>,
  options: ImportOptions,
): Promise<ImportedArchive> {
  const { runDirectory, archive, compressor, signal } = options;
  const spool = await SegmentFile.create(runDirectory, 'spool');
  const importer = new Importer(spool, options);
  let digests: ImportedArchive['origin'];
  try {
    digests = await importer.read(bytes);
    await spool.sync();
  } finally {
    await spool.close();
  }
  const rope = await composeRope(importer.sources, {
    runDirectory,
    literalsFile: 'literals',
    compressor,
    signal,
  });
  const inspection = await inspectRope(rope, { runDirectory, indexFile: 'INDEX', archive, signal });
  const { metadata, agent, newest, hostFiles, oplogEntries } = importer;
  const databases = [...importer.databases].toSorted();
  return {
    rope,
    inspection,
    origin: digests,
    metadata,
    agent,
    databases,
    newest,
    hostFiles,
    oplogEntries,
  };
}

/** Where INDEX of an import lies. */
export function importedIndex(runDirectory: string): string {
  return join(runDirectory, 'INDEX');
}

class Importer {
  readonly sources: RopeSource[] = [];
  readonly databases = new Set<string>();
  metadata: ParsedMetadata | undefined;
  agent: string | undefined;
  newest = 0;
  hostFiles = 0;
  oplogEntries: number | undefined;
  readonly #policy = new EntryPolicy('archive');
  readonly #inner = new EntryPolicy('bundle');
  #inMemory = 0;
  #read = 0;

  constructor(
    private readonly spool: SegmentFile,
    private readonly options: ImportOptions,
  ) {}

  async read(bytes: AsyncIterable<Buffer>): Promise<ImportedArchive['origin']> {
    const sha256 = createHash('sha256');
    const sha1 = createHash('sha1');
    const { signal, onProgress } = this.options;
    let sourceFailed: { readonly error: unknown } | undefined;
    const counted = async function* (importer: Importer): AsyncGenerator<Buffer> {
      try {
        for await (const chunk of bytes) {
          signal?.throwIfAborted();
          sha256.update(chunk);
          sha1.update(chunk);
          importer.#read += chunk.length;
          onProgress?.(importer.#read);
          yield chunk;
        }
      } catch (error) {
        sourceFailed = { error };
        throw error;
      }
    };
    const source = Readable.from(counted(this), { objectMode: false });
    const plain = createGunzip();
    source.on('error', (error) => plain.destroy(error));
    source.pipe(plain);
    let path = 'its beginning';
    try {
      for await (const { entry, content } of readTar(plain)) {
        path = quoteName(entry.path);
        await this.#add(
          this.#allowed(entry, this.#policy, (name) => name),
          content,
        );
      }
      if (this.sources.length === 0) throw new MemberDamage('it holds no entries');
      // The end of the tar need not be the end of the file.
      for await (const _ of plain);
    } catch (cause) {
      if (sourceFailed !== undefined) throw sourceFailed.error;
      const zlib = errorCode(cause)?.startsWith('Z_') === true;
      if (!zlib && !(cause instanceof MemberDamage || cause instanceof FrameDamage)) throw cause;
      throw this.#damaged(path, errorText(cause), cause);
    } finally {
      source.destroy();
      plain.destroy();
    }
    return {
      size: this.#read,
      sha256: sha256.digest('hex'),
      sha1Base64: sha1.digest('base64'),
    };
  }

  #damaged(path: string, reason: string, cause?: unknown): HoldfastError {
    const { archive } = this.options;
    const where = `${path} (about byte ${this.#read})`;
    return new HoldfastError('HF-ARCHIVE-001', { archive, where, reason }, { cause });
  }

  #allowed(
    entry: ReadTarEntry['entry'],
    policy: EntryPolicy,
    label: (path: string) => string,
  ): TarEntry {
    return admitEntry(entry, policy, { archive: this.options.archive, label });
  }

  async #add(entry: TarEntry, content: AsyncIterable<Buffer>): Promise<void> {
    this.options.signal?.throwIfAborted();
    const { path, mode, uid, gid, mtime } = entry;
    const attributes = { path, mode, uid, gid, mtime };
    this.newest = Math.max(this.newest, mtime);
    if (entry.type === 'symlink') throw new Error(`a link was allowed: ${path}`);
    if (entry.type === 'directory') {
      this.sources.push({ ...attributes, type: 'directory' });
      return;
    }
    if (path === filesBundle) {
      this.sources.push({ ...attributes, type: 'bundle', ...(await this.#bundle(content)) });
      return;
    }
    const [database, below] = path.slice(dumpDir.length + 1).split('/');
    if (path.startsWith(`${dumpDir}/`) && below !== undefined) this.databases.add(database ?? '');
    const frames = path.endsWith('.bson') ? new BsonFrames() : undefined;
    const source = await this.#content(entry.size, content, frames);
    const documents = frames?.finish();
    if (path === oplogFile) this.oplogEntries = documents;
    const counted = documents === undefined ? {} : { documents };
    this.sources.push({ ...attributes, ...source, ...counted });
    if (path === metadataFile) this.#readMetadata(source);
  }

  #readMetadata(source: FileSource): void {
    const { archive } = this.options;
    if (source.type !== 'bytes') {
      const reason = `it has more than ${smallFile} bytes`;
      throw new HoldfastError('HF-ARCHIVE-002', { archive, entry: metadataFile, reason });
    }
    this.metadata = parseMetadata(source.bytes, archive);
  }

  async #content(
    size: number,
    content: AsyncIterable<Buffer>,
    frames: BsonFrames | undefined,
  ): Promise<FileSource> {
    if (size <= smallFile && this.#inMemory + size <= smallFilesTogether) {
      this.#inMemory += size;
      const chunks: Buffer[] = [];
      for await (const chunk of content) chunks.push(chunk);
      const bytes = Buffer.concat(chunks);
      frames?.update(bytes);
      return { type: 'bytes', bytes };
    }
    const writer = this.#writer();
    const hash = createHash('sha256');
    for await (const chunk of content) {
      hash.update(chunk);
      frames?.update(chunk);
      await writer.write(chunk);
    }
    await writer.finish();
    const sha256 = hash.digest('hex');
    return { type: 'spooled', members: writer.members, size: writer.size, sha256 };
  }

  #writer(): MemberWriter {
    const { compressor, signal } = this.options;
    return new MemberWriter({ segment: this.spool, compressor, signal });
  }

  async #bundle(tar: AsyncIterable<Buffer>) {
    const writer = this.#writer();
    const inner: InnerEntry[] = [];
    for await (const { entry: read, content } of readTar(tar)) {
      const entry = this.#allowed(read, this.#inner, innerPath);
      await writer.write(encodeTarHeader(entry));
      if (entry.type !== 'directory') this.hostFiles += 1;
      this.agent ??= /(?:^|\/)agents\/(machine-\d+(?:-[a-z]+-\d+)*)\//.exec(entry.path)?.[1];
      if (entry.type !== 'file') {
        inner.push(entry);
        continue;
      }
      const hash = createHash('sha256');
      for await (const chunk of content) {
        hash.update(chunk);
        await writer.write(chunk);
      }
      await writer.write(Buffer.alloc(paddingAfter(entry.size)));
      inner.push({ ...entry, sha256: hash.digest('hex') });
    }
    await writer.write(Buffer.alloc(trailerSize));
    await writer.finish();
    return { members: writer.members, size: writer.size, inner };
  }
}

type FileSource =
  | { readonly type: 'bytes'; readonly bytes: Buffer }
  | {
      readonly type: 'spooled';
      readonly members: MemberWriter['members'];
      readonly size: number;
      readonly sha256: string;
    };
