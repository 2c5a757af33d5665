import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { SweepOptions } from './contract';
import { isComplete } from './file-owner';
import { describeFile, isPartName, removeIfThere } from './file-parts';
import { finishRemoval, nameOfAside, newestChange, removeIncomplete } from './file-removal';
import { hasCode } from './file-volume';
import { isStorageName } from './names';

/** Unfinished files of one backup that did not change since `before`. */
async function sweepParts(path: string, name: string, before: number): Promise<string[]> {
  const removed: string[] = [];
  for (const part of (await readdir(path)).filter(isPartName)) {
    const found = await describeFile(path, part);
    if (found === undefined || found.modified >= before) continue;
    if (await removeIfThere(join(path, part))) removed.push(`${name}/${part}`);
  }
  return removed;
}

async function wasChangedBefore(path: string, before: number): Promise<boolean> {
  try {
    return (await lstat(path)).ctimeMs < before;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
}

/**
 * Removes what interrupted work left in a directory of backups and nobody touched since `before`
 * (milliseconds since the epoch): removals that were not finished, incomplete backups, unfinished
 * files of complete ones. Returns the names of what went.
 */
export async function sweepDirectory(
  path: string,
  before: number,
  { signal, keep = () => false }: SweepOptions,
): Promise<string[]> {
  const removed: string[] = [];
  for (const entry of await readdir(path, { withFileTypes: true })) {
    signal?.throwIfAborted();
    if (!entry.isDirectory()) continue;
    const place = join(path, entry.name);
    const aside = nameOfAside(entry.name);
    if (aside !== undefined && isStorageName(aside)) {
      // Its own time tells when it was set aside: who does so now may still bring it back.
      if (!(await wasChangedBefore(place, before))) continue;
      if (await finishRemoval(join(path, aside))) removed.push(entry.name);
    } else if (isStorageName(entry.name)) {
      const isOld = async (there: string) => (await newestChange(there)) < before;
      if (await isComplete(place)) removed.push(...(await sweepParts(place, entry.name, before)));
      else if (keep(entry.name)) continue;
      else if ((await isOld(place)) && (await removeIncomplete(place, isOld))) {
        removed.push(entry.name);
      }
    }
  }
  return removed.toSorted();
}
