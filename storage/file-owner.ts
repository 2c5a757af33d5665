import { constants } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createWhole, describeFile } from './file-parts';
import { manifestName } from './contract';
import { hasCode } from './file-volume';
import { isStorageName } from './names';
import { mostOwnerBytes, ownerRecord, parseOwner, type OwnerRecord } from './owner-record';

const ownerFile = '.owner';

/** Who has a backup: an owner, nobody yet, or somebody whose record cannot be read. */
export type Ownership = OwnerRecord | 'nobody' | 'unknown';

/** Reads who has the backup. A directory with files and without a record is somebody's whom nobody knows. */
export async function readOwner(path: string): Promise<Ownership> {
  let bytes: Buffer;
  try {
    bytes = await readStart(join(path, ownerFile), mostOwnerBytes);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
    return (await readdir(path)).some(isStorageName) ? 'unknown' : 'nobody';
  }
  return parseOwner(bytes) ?? 'unknown';
}

/** The beginning of a file, which is no symbolic link. */
async function readStart(path: string, most: number): Promise<Buffer> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const buffer = Buffer.alloc(most);
    let filled = 0;
    for (;;) {
      const { bytesRead } = await file.read(buffer, filled, most - filled, filled);
      filled += bytesRead;
      if (bytesRead === 0 || filled === most) return buffer.subarray(0, filled);
    }
  } finally {
    await file.close();
  }
}

/** Makes `owner` the owner unless somebody is; of several at once exactly one wins. Returns who has it now. */
export async function claimOwner(path: string, owner: string): Promise<Ownership> {
  const found = await readOwner(path);
  if (found !== 'nobody') return found;
  await createWhole(path, ownerFile, ownerRecord(owner));
  return readOwner(path);
}

export function isOwnedBy(ownership: Ownership, owner: string): boolean {
  return typeof ownership === 'object' && ownership.owner === owner;
}

/** Whether the backup has its MANIFEST. */
export async function isComplete(path: string): Promise<boolean> {
  return (await describeFile(path, manifestName)) !== undefined;
}
