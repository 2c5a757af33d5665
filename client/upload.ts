import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, rm, rmdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { requireSpace } from '../activities/disk-space';
import { Workspace } from '../activities/workspace/workspace';
import { compressorOf } from '../archive/compressor';
import { importArchive, importedIndex, type ImportedArchive } from '../archive/import-archive';
import { serializeManifest } from '../archive/manifest';
import { openRope } from '../archive/rope-file';
import { importedManifest, type Origin } from '../catalog/imported-manifest';
import { errorCode } from '../config/durable-file';
import type { HoldfastConfig } from '../config/holdfast-config';
import { HoldfastError, errorText, isHoldfastError } from '../core/errors';
import { archiveName } from '../core/ids';
import type { ArchiveFacts } from '../core/messages';
import { indexName, manifestName, type BackupStorage, type WriteHandle } from '../storage/contract';

/** How an archive is added. */
export interface UploadOptions {
  readonly signal?: AbortSignal;
  /** Bytes of the file read, then of the archive stored, and in all. */
  readonly onProgress?: (phase: 'reading' | 'storing', done: number, total: number) => void;
}

/** An archive that was added to a storage. */
export interface Uploaded {
  readonly v: 1;
  /** Of the backup that was made of it. */
  readonly id: string;
  /** As the storage holds it. */
  readonly archive: ArchiveFacts;
  /** The file as it was given. */
  readonly origin: Origin;
  /** Files in the archive and in root.tar. */
  readonly entries: number;
  readonly documents: number;
}

/** What an upload works with. */
export interface UploadTarget {
  readonly config: HoldfastConfig;
  readonly storage: BackupStorage;
  /** Controller model UUID of this host, for archives that name none. */
  readonly modelUuid: string | undefined;
  readonly now: () => number;
}

/**
 * Adds an archive that Juju made, format version 0 to 2 or without metadata, to the storage: it is read
 * through the strict reader, laid out anew (archive/import-archive says what that keeps), stored with
 * INDEX, read back, and complete when its MANIFEST is there. A backup that is there already is never
 * touched. Until then a copy lies in the workspace. Needs no Temporal.
 *
 * @throws HoldfastError HF-LOCAL-002 when the file cannot be read, HF-ARCHIVE-001, -002, -003 when it is
 * no such archive, HF-BACKUP-006 when nothing tells whose it is, HF-STORAGE-002 when its id is taken,
 * HF-DISK-001, HF-WORKSPACE-001, and what the storage throws.
 */
export async function uploadArchive(
  target: UploadTarget,
  path: string,
  options: UploadOptions = {},
): Promise<Uploaded> {
  const { config } = target;
  const file = resolve(path);
  const size = await sizeOf(file);
  const directory = await uploadDirectory(config.workspace);
  const { program, level } = { program: config.limits.compressor, level: config.limits.level };
  const compressor = compressorOf({ program, level }, () => undefined);
  try {
    await requireSpace(directory, size, 'a copy of the archive', config.limits.freeSpace);
    const imported = await importArchive(readLocal(file), {
      archive: basename(file),
      runDirectory: directory,
      compressor,
      signal: options.signal,
      onProgress: (read) => options.onProgress?.('reading', read, size),
    });
    return await store(target, directory, basename(file), imported, options);
  } finally {
    await compressor.close();
    await rm(directory, { recursive: true, force: true });
    await rmdir(join(config.workspace, uploads)).catch((error: unknown) => {
      // Another upload works there, or has just done the same.
      if (!['ENOTEMPTY', 'ENOENT'].includes(errorCode(error) ?? '')) throw error;
    });
  }
}

/** SHA-256 of a file, hex. @throws HoldfastError HF-LOCAL-002 */
export async function digestFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of readLocal(resolve(path))) hash.update(chunk);
  return hash.digest('hex');
}

function unreadable(path: string, reason: string, cause?: unknown): HoldfastError {
  return new HoldfastError('HF-LOCAL-002', { path, reason }, { cause });
}

async function sizeOf(file: string): Promise<number> {
  const found = await stat(file).catch((error: unknown) => {
    throw unreadable(file, errorText(error), error);
  });
  if (!found.isFile()) throw unreadable(file, 'it is not a file');
  return found.size;
}

async function* readLocal(file: string): AsyncGenerator<Buffer> {
  const content: AsyncIterable<Buffer> = createReadStream(file, { highWaterMark: 1024 * 1024 });
  try {
    for await (const chunk of content) yield chunk;
  } catch (error) {
    throw unreadable(file, errorText(error), error);
  }
}

const uploads = 'uploads';

/** A directory for this upload; those of processes that are gone are removed. */
async function uploadDirectory(workspace: string): Promise<string> {
  await new Workspace(workspace).ensure();
  const parent = join(workspace, uploads);
  await mkdir(parent, { recursive: true, mode: 0o700 });
  for (const name of await readdir(parent)) {
    if (!lives(Number(name.split('-')[0]))) {
      await rm(join(parent, name), { recursive: true, force: true });
    }
  }
  return await mkdtemp(join(parent, `${process.pid}-`));
}

function lives(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) !== 'ESRCH';
  }
}

async function store(
  { config, storage, modelUuid, now }: UploadTarget,
  directory: string,
  name: string,
  imported: ImportedArchive,
  options: UploadOptions,
): Promise<Uploaded> {
  const { rope, inspection } = imported;
  const origin = { name, ...imported.origin };
  const owner = `upload/${origin.sha256}`;
  const manifest = importedManifest({
    imported,
    origin,
    owner,
    storage: config.storage.name,
    modelUuid,
  });
  const { backupId: id } = manifest;
  const controller = manifest.controller.modelUuid;
  const { signal, onProgress } = options;
  const call = signal === undefined ? {} : { signal };
  const handle = await storage.startBackup(controller, id, owner, call);
  const { size, sha256, sha1Base64 } = inspection;
  const archive: ArchiveFacts = { name: archiveName(id), size, sha256, sha1Base64 };
  try {
    const source = {
      size: rope.size,
      async *read(start: number, readSignal?: AbortSignal) {
        let done = start;
        for await (const chunk of openRope(rope, directory, start, readSignal ?? signal)) {
          yield chunk;
          done += chunk.length;
          onProgress?.('storing', done, rope.size);
        }
      },
    };
    await handle.uploadFile(archive.name, source, { ...call, attempt: now() });
    await handle.putFile(indexName, await readFile(importedIndex(directory)), call);
    await handle.endBackup(call);
    await requireStored(handle, archive, storage.name, id, call);
    const put = await handle.putFile(manifestName, serializeManifest(manifest), {
      ...call,
      ifAbsent: true,
    });
    if (put === 'exists') {
      throw new HoldfastError('HF-STORAGE-002', { name: id, storage: storage.name, owner: '' });
    }
  } catch (error) {
    // It does nothing to a backup that has a MANIFEST.
    if (!isHoldfastError(error, 'HF-FENCE-001')) await storage.abortBackup(controller, id, owner);
    throw error;
  }
  const { files: entries, documents } = inspection;
  return { v: 1, id, archive, origin, entries, documents };
}

async function requireStored(
  handle: WriteHandle,
  archive: ArchiveFacts,
  storage: string,
  id: string,
  call: { readonly signal?: AbortSignal },
): Promise<void> {
  const hash = createHash('sha256');
  let size = 0;
  const content: AsyncIterable<Buffer> = await handle.readFile(archive.name, undefined, call);
  for await (const chunk of content) {
    hash.update(chunk);
    size += chunk.length;
  }
  const sha256 = hash.digest('hex');
  if (sha256 === archive.sha256) return;
  throw new HoldfastError('HF-STORAGE-009', {
    storage,
    name: `${id}/${archive.name}`,
    found: `${size} bytes with SHA-256 ${sha256}`,
    expected: `${archive.size} bytes with ${archive.sha256}`,
  });
}
