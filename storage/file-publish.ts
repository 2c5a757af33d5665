import type { FileHandle } from 'node:fs/promises';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { HoldfastError } from '../core/errors';
import { quoteName } from '../core/ids';
import type { StoredFile } from './contract';
import { isComplete, isOwnedBy, readOwner, type Ownership } from './file-owner';
import { createPart, describeFile } from './file-parts';
import { hasCode, syncDirectory, type FileVolume } from './file-volume';

/** A backup a handle writes to. */
export interface OpenBackup {
  readonly volume: FileVolume;
  readonly directory: string;
  readonly name: string;
  readonly owner: string;
  /** Absolute path of its directory. */
  readonly path: string;
}

function missing(backup: OpenBackup, cause?: unknown): HoldfastError {
  const params = { storage: backup.volume.name, name: backup.name };
  return new HoldfastError('HF-STORAGE-001', params, cause === undefined ? undefined : { cause });
}

/** The error of a backup that somebody else has. */
export function ownedByAnother(
  storage: string,
  name: string,
  found: Ownership,
): HoldfastError<'HF-STORAGE-002'> {
  const owner =
    typeof found === 'object'
      ? `; ${quoteName(found.owner.slice(0, 200))} started it`
      : '; who started it is not known';
  return new HoldfastError('HF-STORAGE-002', { storage, name, owner });
}

/**
 * Proves that the backup is still there, still its owner's and, for anything but a conditional
 * put, not complete yet: an attempt that was overtaken must not change what others rely on.
 *
 * @throws HoldfastError HF-STORAGE-001, HF-STORAGE-002
 */
export async function checkWritable(backup: OpenBackup, evenComplete = false): Promise<void> {
  let found: Ownership;
  try {
    found = await readOwner(backup.path);
  } catch (error) {
    throw hasCode(error, 'ENOENT') ? missing(backup, error) : error;
  }
  if (!isOwnedBy(found, backup.owner)) {
    throw ownedByAnother(backup.volume.name, backup.name, found);
  }
  if (!evenComplete && (await isComplete(backup.path))) {
    const params = { storage: backup.volume.name, name: backup.name, owner: ' and is complete' };
    throw new HoldfastError('HF-STORAGE-002', params);
  }
}

/** As `createPart`, in the backup. @throws HoldfastError HF-STORAGE-001 when the backup is gone. */
export async function createPartIn(backup: OpenBackup, part: string): Promise<FileHandle> {
  try {
    return await createPart(join(backup.path, part));
  } catch (error) {
    throw hasCode(error, 'ENOENT') ? missing(backup, error) : error;
  }
}

/**
 * Makes a written part durable and visible under its name, replacing what was there.
 *
 * @throws HoldfastError HF-STORAGE-009 when the file does not hold as many bytes as were written.
 */
export async function publish(
  backup: OpenBackup,
  file: FileHandle,
  part: string,
  name: string,
  written: number,
): Promise<StoredFile> {
  await file.sync();
  const { size } = await file.stat();
  const fault = (found: string): HoldfastError =>
    new HoldfastError('HF-STORAGE-009', {
      storage: backup.volume.name,
      name: `${backup.name}/${name}`,
      found,
      expected: `${written} bytes`,
    });
  if (size !== written) throw fault(`${size} bytes`);
  await checkWritable(backup);
  await rename(join(backup.path, part), join(backup.path, name));
  await syncDirectory(backup.path);
  const stored = await describeFile(backup.path, name);
  if (stored === undefined) throw fault('nothing');
  return stored;
}
