import { constants } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createWhole, describeFile } from './file-parts';
import { manifestName } from './contract';
import { hasCode } from './file-volume';
import { isStorageName } from './names';

const ownerFile = '.owner';

/** Who has a backup: an owner, nobody yet, or somebody whose record cannot be read. */
export type Ownership = { readonly owner: string } | 'nobody' | 'unknown';

/** Reads who has the backup. A directory with files and without a record is somebody's whom nobody knows. */
export async function readOwner(path: string): Promise<Ownership> {
  let text: string;
  try {
    const flag = constants.O_RDONLY | constants.O_NOFOLLOW;
    text = await readFile(join(path, ownerFile), { encoding: 'utf8', flag });
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
    return (await readdir(path)).some(isStorageName) ? 'unknown' : 'nobody';
  }
  try {
    const record: unknown = JSON.parse(text);
    if (typeof record === 'object' && record !== null && 'owner' in record) {
      return typeof record.owner === 'string' ? { owner: record.owner } : 'unknown';
    }
  } catch {
    // Not JSON: no owner of ours wrote it, and 'unknown' keeps everybody away from it.
  }
  return 'unknown';
}

/** Makes `owner` the owner unless somebody is; of several at once exactly one wins. Returns who has it now. */
export async function claimOwner(path: string, owner: string): Promise<Ownership> {
  const found = await readOwner(path);
  if (found !== 'nobody') return found;
  const record = Buffer.from(`${JSON.stringify({ v: 1, owner })}\n`);
  await createWhole(path, ownerFile, record);
  return readOwner(path);
}

export function isOwnedBy(ownership: Ownership, owner: string): boolean {
  return typeof ownership === 'object' && ownership.owner === owner;
}

/** Whether the backup has its MANIFEST. */
export async function isComplete(path: string): Promise<boolean> {
  return (await describeFile(path, manifestName)) !== undefined;
}
