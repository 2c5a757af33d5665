import { createReadStream } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createGunzip } from 'node:zlib';
import { errorText, HoldfastError } from '../core/errors';
import { bucketsPrefix, isShortenedFileName, unescapeCollectionName } from './namespaces';

/** A file of a dump, plain or gzip. */
export interface DumpFile {
  readonly path: string;
  readonly gzip: boolean;
}

/** A collection that a directory of mongodump holds. */
export interface DumpDirectoryEntry {
  readonly database: string;
  readonly name: string;
  /** Text of its metadata.json; undefined when there is none, as of a dump by another tool. */
  readonly metadata: string | undefined;
  /** Its .bson; undefined for a view. Of a time series: the one of its buckets. */
  readonly data: DumpFile | undefined;
}

/** What a directory of mongodump holds. */
export interface DumpDirectory {
  readonly entries: readonly DumpDirectoryEntry[];
  readonly oplog: DumpFile | undefined;
  /** What `prelude.json` says; empty for older tools. */
  readonly serverVersion: string;
}

/** Metadata is read whole, bytes; real ones have a few thousand. */
const largestMetadata = 64 * 1024 * 1024;
const gzipMagic = Buffer.from([0x1f, 0x8b]);
const suffixes = /^(.*)\.(bson|metadata\.json)(\.gz)?$/s;

/** Whether a file begins as gzip does: `oplog.bson` of a dump with --gzip has no other sign of it. */
export async function isGzip(path: string): Promise<boolean> {
  const file = await open(path, 'r');
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer.equals(gzipMagic);
  } finally {
    await file.close();
  }
}

/**
 * The content of a dump's file from a byte of it on, decompressed. Of a gzip file everything before
 * that byte is decompressed, too.
 */
export async function* readDumpFile(
  { path, gzip }: DumpFile,
  from: number,
  signal?: AbortSignal,
): AsyncGenerator<Buffer, void, void> {
  const highWaterMark = 1024 * 1024;
  if (!gzip) {
    yield* createReadStream(path, { start: from, highWaterMark, signal }) as AsyncIterable<Buffer>;
    return;
  }
  const source = createReadStream(path, { highWaterMark, signal });
  const plain = createGunzip({ chunkSize: highWaterMark });
  source.on('error', (error) => plain.destroy(error));
  source.pipe(plain);
  let skip = from;
  try {
    for await (const chunk of plain as AsyncIterable<Buffer>) {
      if (chunk.length <= skip) {
        skip -= chunk.length;
        continue;
      }
      yield skip === 0 ? chunk : chunk.subarray(skip);
      skip = 0;
    }
  } finally {
    source.destroy();
    plain.destroy();
  }
}

function damaged(archive: string, where: string, reason: string, cause?: unknown): HoldfastError {
  return new HoldfastError('HF-ARCHIVE-001', { archive, where, reason }, { cause });
}

async function readText(root: string, where: string, gzip: boolean): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of readDumpFile({ path: join(root, where), gzip }, 0)) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > largestMetadata) throw new Error(`it has more than ${largestMetadata} bytes`);
    }
  } catch (error) {
    throw damaged(root, where, errorText(error), error);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The collection that a metadata.json says it is of; undefined for tools that don't say. */
function namedIn(metadata: string): string | undefined {
  const value: unknown = JSON.parse(metadata);
  if (typeof value !== 'object' || value === null || !('collectionName' in value)) return undefined;
  return typeof value.collectionName === 'string' ? value.collectionName : undefined;
}

interface Files {
  data?: DumpFile;
  metadata?: { readonly where: string; readonly gzip: boolean };
}

async function listDatabase(root: string, database: string): Promise<Map<string, Files>> {
  const found = new Map<string, Files>();
  for (const entry of (await readdir(join(root, database))).toSorted()) {
    const match = suffixes.exec(entry);
    const base = match?.[1];
    if (base === undefined || base === 'prelude') continue;
    const files = found.get(base) ?? {};
    found.set(base, files);
    const gzip = match?.[3] !== undefined;
    const where = join(database, entry);
    if (match?.[2] === 'bson') files.data = { path: join(root, where), gzip };
    else files.metadata = { where, gzip };
  }
  return found;
}

/** @throws HoldfastError HF-ARCHIVE-001 for metadata that is none, or of another collection than its name says */
async function readEntry(
  root: string,
  database: string,
  base: string,
  files: Files,
): Promise<Omit<DumpDirectoryEntry, 'data'>> {
  const where = files.metadata?.where ?? join(database, `${base}.bson`);
  const fromFile = unescapeCollectionName(base);
  if (files.metadata === undefined) {
    if (fromFile !== undefined) return { database, name: fromFile, metadata: undefined };
    throw damaged(root, where, 'its name was too long, and no metadata says what it is');
  }
  const metadata = await readText(root, where, files.metadata.gzip);
  let named: string | undefined;
  try {
    named = namedIn(metadata);
  } catch (error) {
    throw damaged(root, where, 'it is no JSON', error);
  }
  if (named !== undefined && fromFile !== undefined && named !== fromFile) {
    throw damaged(root, where, `it says that it is of ${named}`);
  }
  const name = named ?? fromFile;
  if (name !== undefined) return { database, name, metadata };
  const reason = isShortenedFileName(base) ? 'it does not say of what' : 'its name is malformed';
  throw damaged(root, where, reason);
}

/**
 * Lists what `mongodump` wrote to a directory, with --gzip or without: a directory for each database,
 * `name.bson` and `name.metadata.json` for each collection, `oplog.bson` at the top. No data is read.
 *
 * @throws HoldfastError HF-ARCHIVE-001 for metadata that can't be read or lies about its collection;
 * the file system's own errors
 */
export async function listDumpDirectory(root: string): Promise<DumpDirectory> {
  const entries: DumpDirectoryEntry[] = [];
  let oplog: DumpFile | undefined;
  let serverVersion = '';
  const top = await readdir(root, { withFileTypes: true });
  for (const { name } of top.filter((one) => !one.isDirectory())) {
    const path = join(root, name);
    if (name === 'oplog.bson') oplog = { path, gzip: await isGzip(path) };
    if (name === 'prelude.json' || name === 'prelude.json.gz') {
      const text = await readText(root, name, name.endsWith('.gz'));
      serverVersion = /"ServerVersion":\s*"([^"]*)"/.exec(text)?.[1] ?? '';
    }
  }
  for (const { name: database } of top.filter((one) => one.isDirectory())) {
    const found = await listDatabase(root, database);
    for (const [base, files] of found) {
      if (unescapeCollectionName(base)?.startsWith(bucketsPrefix) === true) continue;
      const entry = await readEntry(root, database, base, files);
      const buckets = found.get(base === '' ? '' : `${bucketsPrefix}${base}`);
      const data = files.data ?? buckets?.data;
      entries.push({ ...entry, data });
    }
  }
  return { entries, oplog, serverVersion };
}
