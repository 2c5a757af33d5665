import { readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { manifestName } from './contract';
import { isComplete } from './file-owner';
import { describeFile, removeIfThere } from './file-parts';
import { hasCode, syncDirectory } from './file-volume';

const asidePrefix = '.gone.';

function asideOf(path: string): string {
  return join(dirname(path), `${asidePrefix}${basename(path)}`);
}

/** Name of the backup that was set aside under this name; undefined for any other name. */
export function nameOfAside(name: string): string | undefined {
  return name.startsWith(asidePrefix) ? name.slice(asidePrefix.length) : undefined;
}

async function renameIfThere(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
  await syncDirectory(dirname(from));
  return true;
}

async function removeTree(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true });
  await syncDirectory(dirname(path));
}

/**
 * Finishes a removal that was interrupted. A backup that turns out to be complete was committed
 * while it was set aside: it comes back, and the answer is false.
 */
export async function finishRemoval(path: string): Promise<boolean> {
  const aside = asideOf(path);
  if (await isComplete(aside)) {
    await putBack(aside, path);
    return false;
  }
  await removeTree(aside);
  return true;
}

async function putBack(aside: string, path: string): Promise<void> {
  try {
    await renameIfThere(aside, path);
  } catch (error) {
    // Another backup of that name stands there: the one set aside stays, hidden but whole.
    if (!hasCode(error, 'ENOTEMPTY', 'EEXIST')) throw error;
  }
}

/**
 * Removes an incomplete backup: it vanishes at once by a rename, then its files go. `mayGo` is
 * asked again after the rename, when nobody can change it any more by its name; if it says no the
 * backup comes back. Returns whether it was removed.
 */
export async function removeIncomplete(
  path: string,
  mayGo: (path: string) => Promise<boolean>,
): Promise<boolean> {
  await finishRemoval(path);
  const aside = asideOf(path);
  if (!(await renameIfThere(path, aside))) return false;
  if ((await isComplete(aside)) || !(await mayGo(aside))) {
    await putBack(aside, path);
    return false;
  }
  await removeTree(aside);
  return true;
}

/** Removes a backup, complete or not: the MANIFEST first, so that an interruption leaves it incomplete. */
export async function removeWhole(path: string): Promise<void> {
  const aside = asideOf(path);
  for (const place of [path, aside]) {
    if ((await describeFile(place, manifestName)) === undefined) continue;
    await removeIfThere(join(place, manifestName));
    await syncDirectory(place);
  }
  await removeTree(aside);
  if (await renameIfThere(path, aside)) await removeTree(aside);
}

/** Time of the newest change of anything in the backup, unfinished files included; milliseconds since the epoch. */
export async function newestChange(path: string): Promise<number> {
  const files = await Promise.all((await readdir(path)).map((name) => describeFile(path, name)));
  return Math.max(0, ...files.map((file) => file?.modified ?? 0));
}
