import { stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isMissing } from '../config/durable-file';
import { HoldfastError } from '../core/errors';

/** What must stay free on a volume: the larger of both. */
export interface FreeSpaceFloor {
  readonly bytes: number;
  readonly percent: number;
}

/** Bytes as people read them. */
export function describeBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit] ?? ''}`;
}

/** Free bytes for this user, and the size of the volume that holds `path` or will hold it. */
export async function freeSpace(path: string): Promise<{ free: number; size: number }> {
  try {
    const volume = await statfs(path);
    return { free: volume.bavail * volume.bsize, size: volume.blocks * volume.bsize };
  } catch (error) {
    if (isMissing(error) && dirname(path) !== path) return await freeSpace(dirname(path));
    throw error;
  }
}

/**
 * Refuses to fill a volume: after `need` more bytes the floor must still be free.
 * @throws HoldfastError HF-DISK-001
 */
export async function requireSpace(
  path: string,
  need: number,
  what: string,
  floor: FreeSpaceFloor,
): Promise<void> {
  const { free, size } = await freeSpace(path);
  const kept = Math.max(floor.bytes, (size * floor.percent) / 100);
  if (free >= need + kept) return;
  throw new HoldfastError('HF-DISK-001', {
    path,
    free: describeBytes(free),
    need: describeBytes(need + kept),
    what: `${what} and the space that must stay free`,
  });
}

/** Whether two paths lie, or will lie, on the same volume: then they share its free space. */
export async function onOneVolume(a: string, b: string): Promise<boolean> {
  return (await volumeOf(a)) === (await volumeOf(b));
}

async function volumeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).dev;
  } catch (error) {
    if (isMissing(error) && dirname(path) !== path) return await volumeOf(dirname(path));
    throw error;
  }
}
