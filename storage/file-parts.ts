import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { link, lstat, open, readdir, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { writeAt } from '../config/write-at';
import type { StoredFile } from './contract';
import { hasCode } from './file-volume';
import { isStorageName } from './names';

/** Whether a name is that of a file still being written. */
export function isPartName(name: string): boolean {
  return name.startsWith('.') && name.endsWith('.part');
}

/** `.<file>.<attempt>.<random>.part`: no two writers ever share one, so none is ever truncated or appended to by another. */
export function partName(file: string, attempt: number | string): string {
  return `.${file}.${attempt}.${randomBytes(6).toString('hex')}.part`;
}

/** Attempt of an upload's part file; undefined when the name is not one of this file's. */
export function attemptOfPart(file: string, part: string): number | undefined {
  if (!part.startsWith(`.${file}.`)) return undefined;
  const match = /^(\d{1,15})\.[0-9a-f]{12}\.part$/.exec(part.slice(file.length + 2));
  return match === null ? undefined : Number(match[1]);
}

/** Creates a file that must not exist, mode 0600, for writing and reading. */
export async function createPart(path: string): Promise<FileHandle> {
  const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  return open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
}

/** Removes a file; nothing to do when it is missing. */
export async function removeIfThere(path: string): Promise<boolean> {
  try {
    await unlink(path);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
}

/**
 * Creates `target` with this content, whole and durable, unless it exists. Decided by link(2), so
 * nobody ever sees a part of it and exactly one of several writers wins, on NFS too.
 */
export async function createWhole(
  directory: string,
  target: string,
  content: Uint8Array,
): Promise<'written' | 'exists'> {
  const part = join(directory, partName(target, 'new'));
  // By this handle the directory is made durable even while an abort has set it aside: once the
  // link is there the content is, and saying otherwise would be wrong.
  const parent = await open(directory, 'r');
  try {
    const file = await createPart(part);
    try {
      await writeAt(file, content, 0);
      await file.sync();
      if (!(await linkFirst(file, part, join(directory, target)))) return 'exists';
      await parent.sync();
      return 'written';
    } finally {
      await file.close();
      await removeIfThere(part);
    }
  } finally {
    await parent.close();
  }
}

async function linkFirst(file: FileHandle, part: string, target: string): Promise<boolean> {
  try {
    await link(part, target);
    return true;
  } catch (error) {
    // The winner may have removed this part as it removes all that is unfinished.
    if (hasCode(error, 'ENOENT') && (await isThere(target))) return false;
    if (!hasCode(error, 'EEXIST')) throw error;
    // NFS repeats a request whose answer was lost: the link may be our own.
    const mine = await file.stat({ bigint: true });
    const there = await lstat(target, { bigint: true });
    return mine.ino === there.ino && mine.dev === there.dev;
  }
}

async function isThere(target: string): Promise<boolean> {
  try {
    return (await lstat(target)).isFile();
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
}

/** Removes every file of a directory that is still being written; nothing to do where an abort has set it aside. */
export async function removeParts(directory: string): Promise<void> {
  const names = await readdir(directory).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  });
  for (const part of names.filter(isPartName)) await removeIfThere(join(directory, part));
}

/** What a listing shows of one file; undefined when it is gone or no regular file. */
export async function describeFile(
  directory: string,
  name: string,
): Promise<StoredFile | undefined> {
  try {
    const found = await lstat(join(directory, name), { bigint: true });
    if (!found.isFile()) return undefined;
    return {
      name,
      size: Number(found.size),
      etag: `${found.size}-${found.mtimeNs}-${found.ino}`,
      modified: Number(found.mtimeMs),
    };
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** The visible files of a directory, sorted by name. */
export async function describeFiles(directory: string): Promise<StoredFile[]> {
  const names = (await readdir(directory)).filter(isStorageName).toSorted();
  const files = await Promise.all(names.map((name) => describeFile(directory, name)));
  return files.filter((file) => file !== undefined);
}
