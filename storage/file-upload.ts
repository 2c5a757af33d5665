import { constants } from 'node:fs';
import { copyFile, lstat, open, readdir, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { writeAt } from '../config/write-at';
import { HoldfastError } from '../core/errors';
import type { StoredFile, UploadOptions, UploadSource, UploadState } from './contract';
import { attemptOfPart, createPart, partName, removeIfThere } from './file-parts';
import { checkWritable, createPartIn, publish, type OpenBackup } from './file-publish';
import { hasCode, syncDirectory } from './file-volume';

const copyBytes = 1024 * 1024;

/** What file systems answer that cannot share blocks between files. */
const cannotShare = ['ENOTSUP', 'EOPNOTSUPP', 'EXDEV', 'EINVAL', 'ENOTTY', 'ENOSYS', 'EPERM'];

/** How many bytes an upload writes between two moments at which they are made durable and reported. */
export const defaultProgressBytes = 64 * 1024 * 1024;

function stateOf(part: string, acknowledged: number): UploadState {
  return { v: 1, type: 'file', acknowledged, detail: { part } };
}

/** The part an earlier attempt left, if it holds what was acknowledged. */
async function usablePart(
  backup: OpenBackup,
  name: string,
  size: number,
  state: UploadState | undefined,
): Promise<string | undefined> {
  const part = state?.detail['part'];
  if (state?.type !== 'file' || typeof part !== 'string') return undefined;
  // The state came through other hands: it must name a part of this very file and nothing else.
  if (attemptOfPart(name, part) === undefined || state.acknowledged > size) return undefined;
  try {
    const found = await lstat(join(backup.path, part));
    return found.isFile() && found.size >= state.acknowledged ? part : undefined;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

async function copyPrefix(
  from: string,
  to: FileHandle,
  length: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const file = await open(from, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const buffer = Buffer.allocUnsafe(Math.min(copyBytes, Math.max(length, 1)));
    for (let done = 0; done < length;) {
      signal?.throwIfAborted();
      const { bytesRead } = await file.read(
        buffer,
        0,
        Math.min(buffer.length, length - done),
        done,
      );
      if (bytesRead === 0) throw new Error('an earlier part became shorter while it was copied');
      await writeAt(to, buffer.subarray(0, bytesRead), done);
      done += bytesRead;
    }
  } finally {
    await file.close();
  }
}

/**
 * A new part that begins with the older one's acknowledged bytes: shared by the file system where
 * it can, else copied. The older attempt may still be writing, so its file is never touched.
 */
async function continuePart(
  backup: OpenBackup,
  older: string,
  part: string,
  acknowledged: number,
  signal: AbortSignal | undefined,
): Promise<FileHandle> {
  const from = join(backup.path, older);
  const to = join(backup.path, part);
  const { COPYFILE_EXCL, COPYFILE_FICLONE_FORCE, O_RDWR, O_NOFOLLOW } = constants;
  let shared = true;
  try {
    await copyFile(from, to, COPYFILE_EXCL | COPYFILE_FICLONE_FORCE);
  } catch (error) {
    if (!hasCode(error, ...cannotShare)) throw error;
    await removeIfThere(to);
    shared = false;
  }
  const file = shared ? await open(to, O_RDWR | O_NOFOLLOW) : await createPart(to);
  try {
    if (shared) await file.truncate(acknowledged);
    else await copyPrefix(from, file, acknowledged, signal);
    return file;
  } catch (error) {
    await file.close();
    await removeIfThere(to);
    throw error;
  }
}

/** Removes what older attempts left, which also stops them; a newer attempt's part is its own. */
async function removeOlderParts(
  backup: OpenBackup,
  name: string,
  attempt: number,
  own: string,
): Promise<void> {
  for (const part of await readdir(backup.path)) {
    const found = attemptOfPart(name, part);
    if (part === own || found === undefined || found > attempt) continue;
    await removeIfThere(join(backup.path, part));
  }
}

/** @throws HoldfastError HF-FENCE-001 when a newer attempt took this one's part away. */
async function checkNotOvertaken(
  backup: OpenBackup,
  name: string,
  attempt: number,
  own: string,
): Promise<void> {
  await checkWritable(backup);
  const names = await readdir(backup.path);
  if (names.includes(own)) return;
  const newest = Math.max(...names.map((part) => attemptOfPart(name, part) ?? attempt));
  throw new HoldfastError('HF-FENCE-001', {
    mine: attempt,
    step: `the upload of ${name}`,
    newer: newest > attempt ? newest : 'that has ended',
  });
}

async function copySource(
  file: FileHandle,
  source: UploadSource,
  start: number,
  progressBytes: number,
  signal: AbortSignal | undefined,
  durable: (done: number) => Promise<void>,
): Promise<void> {
  let done = start;
  let reported = start;
  // One report is under way while more is written; it tells of nothing that came after it.
  let report = Promise.resolve();
  try {
    for await (const chunk of source.read(start, signal)) {
      signal?.throwIfAborted();
      if (done + chunk.length > source.size) {
        throw new Error(`the source holds more than its ${source.size} bytes`);
      }
      await writeAt(file, chunk, done);
      done += chunk.length;
      if (done - reported >= progressBytes) {
        await report;
        report = durable(done);
        // Its failure is thrown where it is waited for.
        report.catch(() => undefined);
        reported = done;
      }
    }
  } finally {
    // Nothing is told of a file that has been closed.
    await Promise.allSettled([report]);
  }
  await report;
  signal?.throwIfAborted();
  if (done !== source.size) {
    throw new Error(`the source ended at byte ${done} of ${source.size}`);
  }
}

/**
 * Uploads one file, going on from what an earlier attempt reported as durable. The part of a failed
 * attempt stays for the next one, which removes it as soon as its own holds as much: an attempt
 * that was overtaken notices that at its next report, and ends without having changed anything.
 *
 * @throws HoldfastError HF-FENCE-001 when a newer attempt took over.
 */
export async function uploadPart(
  backup: OpenBackup,
  name: string,
  source: UploadSource,
  options: UploadOptions,
  progressBytes: number,
): Promise<StoredFile> {
  const { attempt, signal } = options;
  const older = await usablePart(backup, name, source.size, options.resume);
  const start = older === undefined ? 0 : (options.resume?.acknowledged ?? 0);
  const part = partName(name, attempt);
  const file =
    older === undefined
      ? await createPartIn(backup, part)
      : await continuePart(backup, older, part, start, signal);
  try {
    await file.sync();
    await syncDirectory(backup.path);
    if (start > 0) await options.onProgress?.(stateOf(part, start));
    await removeOlderParts(backup, name, attempt, part);
    await copySource(file, source, start, progressBytes, signal, async (done) => {
      await file.datasync();
      await checkNotOvertaken(backup, name, attempt, part);
      await options.onProgress?.(stateOf(part, done));
    });
    await checkNotOvertaken(backup, name, attempt, part);
    return await publish(backup, file, part, name, source.size);
  } finally {
    await file.close();
  }
}
