import { createHash, type Hash } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { link, lstat, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { readIndex } from '../archive/index-file';
import { provenPrefix } from '../archive/proven-prefix';
import { archiveFacts } from '../activities/restore/manifest-facts';
import type { FoundBackup } from '../catalog/storage-catalog';
import { errorCode, isMissing, syncDirectory } from '../config/durable-file';
import { writeAt } from '../config/write-at';
import { HoldfastError, errorText, isHoldfastError } from '../core/errors';
import type { ArchiveFacts } from '../core/messages';
import { indexName, type BackupStorage, type ReadHandle } from '../storage/contract';

/** How an archive is fetched. */
export interface DownloadOptions {
  /** File, or directory that is there; the archive's own name in the working directory when absent. */
  readonly path?: string;
  /** Replace a file that is there. Default false. */
  readonly force?: boolean;
  /** Rewrite it to a single gzip member, for readers that stop after the first. Default false. */
  readonly singleMember?: boolean;
  readonly signal?: AbortSignal;
  /** Bytes of the stored archive so far, and in all. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** A file that was fetched. */
export interface Downloaded {
  readonly v: 1;
  readonly id: string;
  /** Absolute. */
  readonly file: string;
  /** Bytes. */
  readonly size: number;
  /** SHA-256 of the file, hex. */
  readonly sha256: string;
  /** Bytes that an earlier call had fetched. */
  readonly resumed: number;
}

interface Fetch {
  readonly backup: FoundBackup;
  readonly archive: ArchiveFacts;
  readonly handle: ReadHandle;
  readonly storage: string;
  readonly part: string;
  readonly options: DownloadOptions;
}

/**
 * Fetches the archive of a backup into a file of mode 0600. It is written beside its place, as
 * `FILE.part`, and stays there when the call is interrupted: the next one proves what is there and
 * goes on behind it. FILE exists only whole, with the SHA-256 of MANIFEST. Nothing is removed from the
 * storage.
 *
 * @throws HoldfastError HF-LOCAL-001 when FILE is there, HF-LOCAL-002 when it cannot be written,
 * HF-STORAGE-009 or HF-ARCHIVE-001 when the storage gives other bytes than MANIFEST says, and what the storage throws.
 */
export async function downloadArchive(
  storage: BackupStorage,
  backup: FoundBackup,
  options: DownloadOptions = {},
): Promise<Downloaded> {
  const archive = archiveFacts(backup.manifest);
  const file = await placeOf(options.path, archive.name);
  try {
    if (options.force !== true && (await isThere(file))) throw taken(file);
    const part = `${file}${options.singleMember === true ? '.single' : ''}.part`;
    const { controller, id } = backup.summary;
    const call = options.signal === undefined ? {} : { signal: options.signal };
    const handle = await storage.openBackup(controller, id, call);
    const fetch: Fetch = { backup, archive, handle, storage: storage.name, part, options };
    const fetched =
      options.singleMember === true ? await rewrite(fetch) : await fetchOrStartOver(fetch);
    await publish(part, file, options.force === true);
    return { v: 1, id, file, ...fetched };
  } catch (error) {
    if (errorCode(error) === undefined || isHoldfastError(error)) throw error;
    const reason = errorText(error);
    throw new HoldfastError('HF-LOCAL-002', { path: file, reason }, { cause: error });
  }
}

async function placeOf(path: string | undefined, name: string): Promise<string> {
  const asked = resolve(path ?? name);
  const found = await stat(asked).catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
  return found?.isDirectory() === true ? join(asked, name) : asked;
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

function taken(path: string): HoldfastError {
  return new HoldfastError('HF-LOCAL-001', { path });
}

type Fetched = Pick<Downloaded, 'size' | 'sha256' | 'resumed'>;

/** What was left by an earlier call may be of another archive after all: then all is fetched again. */
async function fetchOrStartOver(fetch: Fetch): Promise<Fetched> {
  const { part, archive } = fetch;
  const start = await provenStart(fetch);
  const first = await fetchFrom(fetch, start);
  if (first.sha256 === archive.sha256) return first;
  const again = start === 0 ? first : await fetchFrom(fetch, 0);
  if (again.sha256 === archive.sha256) return again;
  await rm(part, { force: true });
  throw differs(fetch, again);
}

function differs({ backup, archive, storage }: Fetch, found: Fetched): HoldfastError {
  return new HoldfastError('HF-STORAGE-009', {
    storage,
    name: `${backup.summary.id}/${archive.name}`,
    found: `${found.size} bytes with SHA-256 ${found.sha256}`,
    expected: `${archive.size} bytes with ${archive.sha256}`,
  });
}

async function provenStart({ backup, archive, handle, part, options }: Fetch): Promise<number> {
  let size: number;
  try {
    size = (await lstat(part)).size;
  } catch (error) {
    if (isMissing(error)) return 0;
    throw error;
  }
  const { signal } = options;
  const call = signal === undefined ? {} : { signal };
  const stored: Readable = await handle.readFile(indexName, undefined, call);
  try {
    const lines = readIndex(stored, {
      archive: archive.name,
      expect: backup.manifest.index,
      signal,
    });
    return await provenPrefix(part, Math.min(size, archive.size), lines, signal);
  } finally {
    stored.destroy();
  }
}

async function fetchFrom({ archive, handle, part, options }: Fetch, start: number) {
  const { signal, onProgress } = options;
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;
  const file = await open(part, flags, 0o600);
  try {
    const hash = createHash('sha256');
    await file.truncate(start);
    if (start > 0) await digestStart(part, start, hash, signal);
    let done = start;
    onProgress?.(done, archive.size);
    if (start < archive.size) {
      const range = { start, end: archive.size };
      const call = signal === undefined ? {} : { signal };
      const content: AsyncIterable<Buffer> = await handle.readFile(archive.name, range, call);
      for await (const chunk of content) {
        hash.update(chunk);
        await writeAt(file, chunk, done);
        done += chunk.length;
        onProgress?.(done, archive.size);
      }
    }
    await file.sync();
    return { size: done, sha256: hash.digest('hex'), resumed: start };
  } finally {
    await file.close();
  }
}

async function digestStart(
  part: string,
  length: number,
  hash: Hash,
  signal: AbortSignal | undefined,
): Promise<void> {
  const content: AsyncIterable<Buffer> = createReadStream(part, { end: length - 1, signal });
  for await (const chunk of content) hash.update(chunk);
}

/** One member can't be continued in its middle, so this always begins anew. */
async function rewrite(fetch: Fetch): Promise<Fetched> {
  const { archive, handle, part, options } = fetch;
  const { signal, onProgress } = options;
  const stored = { size: 0, hash: createHash('sha256') };
  const written = { size: 0, hash: createHash('sha256') };
  const { O_RDWR, O_CREAT, O_TRUNC, O_NOFOLLOW } = constants;
  const file = await open(part, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW, 0o600);
  try {
    const call = signal === undefined ? {} : { signal };
    const content = await handle.readFile(archive.name, undefined, call);
    const counted = async function* (source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
      for await (const chunk of source) {
        stored.hash.update(chunk);
        stored.size += chunk.length;
        onProgress?.(stored.size, archive.size);
        yield chunk;
      }
    };
    const write = async (source: AsyncIterable<Buffer>): Promise<void> => {
      for await (const chunk of source) {
        await writeAt(file, chunk, written.size);
        written.hash.update(chunk);
        written.size += chunk.length;
      }
    };
    await pipeline(content, counted, createGunzip(), createGzip(), write, call);
    await file.sync();
  } catch (error) {
    await rm(part, { force: true });
    if (errorCode(error)?.startsWith('Z_') !== true) throw error;
    const where = `byte ${stored.size}`;
    const params = { archive: archive.name, where, reason: errorText(error) };
    throw new HoldfastError('HF-ARCHIVE-001', params, { cause: error });
  } finally {
    await file.close();
  }
  const found = { size: stored.size, sha256: stored.hash.digest('hex'), resumed: 0 };
  if (found.sha256 !== archive.sha256) {
    await rm(part, { force: true });
    throw differs(fetch, found);
  }
  return { size: written.size, sha256: written.hash.digest('hex'), resumed: 0 };
}

/** What file systems answer that have no hard links. */
const noLinks = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'];

/** Gives the file its name; unless `force`, never over another file, not even one made meanwhile. */
async function publish(part: string, file: string, force: boolean): Promise<void> {
  if (force) {
    await rename(part, file);
  } else {
    try {
      await link(part, file);
      await rm(part);
    } catch (error) {
      const code = errorCode(error) ?? '';
      if (code === 'EEXIST') throw taken(file);
      if (!noLinks.includes(code)) throw error;
      if (await isThere(file)) throw taken(file);
      await rename(part, file);
    }
  }
  await syncDirectory(dirname(file));
}
