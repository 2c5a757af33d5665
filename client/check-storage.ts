import { randomBytes } from 'node:crypto';
import { freeSpace, type FreeSpaceFloor } from '../activities/disk-space';
import { formatDuration } from '../core/durations';
import { errorText, HoldfastError } from '../core/errors';
import { formatSize } from '../core/sizes';
import type { BackupStorage, WriteHandle } from '../storage/contract';

/** What was found out about one thing that a storage must do. */
export interface StorageCheck {
  readonly name: string;
  readonly verdict: 'pass' | 'warn' | 'refuse';
  readonly text: string;
  /** What to do about it. */
  readonly hint?: string;
}

/** Where, and by what measures. */
export interface CheckedStorage {
  /** Two clients of the storage, as two hosts would have. */
  readonly storage: BackupStorage;
  readonly other: BackupStorage;
  /** Directory of the controller's backups, or one of the check's own. */
  readonly directory: string;
  /** Path on the volume that the storage fills; undefined when that is not this host's. */
  readonly volume: string | undefined;
  readonly floor: FreeSpaceFloor;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

const probeBytes = 300_000;
const probeFile = 'probe';
const longestDrift = 3 * 60_000;

const pass = (name: string, text: string): StorageCheck => ({ name, verdict: 'pass', text });

function refused(name: string, error: unknown): StorageCheck {
  if (!(error instanceof HoldfastError)) return { name, verdict: 'refuse', text: errorText(error) };
  return {
    name,
    verdict: 'refuse',
    text: `[${error.code}] ${error.message}`,
    hint: error.hint,
  };
}

async function checkSpace({ volume, floor }: CheckedStorage): Promise<StorageCheck[]> {
  if (volume === undefined) return [];
  try {
    const { free, size } = await freeSpace(volume);
    const kept = Math.max(floor.bytes, (size * floor.percent) / 100);
    const text = `${formatSize(free)} of ${formatSize(size)} are free, ${formatSize(kept)} must stay so`;
    if (free >= kept) return [pass('space', text)];
    const hint =
      'Free some space there, or point the storage at a larger volume: no backup begins.';
    return [{ name: 'space', verdict: 'refuse', text, hint }];
  } catch (error) {
    return [refused('space', error)];
  }
}

async function readBack(handle: WriteHandle, bytes: Buffer): Promise<string> {
  const ranges = [undefined, { start: 1_000, end: probeBytes - 1_000 }];
  for (const range of ranges) {
    const chunks: Buffer[] = [];
    const stream = await handle.readFile(probeFile, range);
    for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
    const wanted = range === undefined ? bytes : bytes.subarray(range.start, range.end);
    if (!Buffer.concat(chunks).equals(wanted)) throw new Error('other bytes than were written');
  }
  return 'the same bytes come back, whole and by range';
}

async function checkFirst(one: WriteHandle, other: WriteHandle): Promise<string[]> {
  const put = (handle: WriteHandle, text: string) =>
    handle.putFile('first', Buffer.from(text), { ifAbsent: true });
  const told = await Promise.all([put(one, 'one'), put(other, 'other')]);
  return told.toSorted();
}

/**
 * Proves with a backup of its own, which is removed again, that a storage does what the contract says:
 * it is written, read, listed, and of two writers at once one wins.
 */
export async function checkStorage(checked: CheckedStorage): Promise<readonly StorageCheck[]> {
  const { storage, other, directory, now } = checked;
  const name = `holdfast-check-${randomBytes(6).toString('hex')}`;
  const owner = name;
  const checks: StorageCheck[] = [...(await checkSpace(checked))];
  /** Gives undefined, and keeps why, where it fails: what rests on it is left out. */
  const check = async <T>(what: string, work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      checks.push(refused(what, error));
      return undefined;
    }
  };
  const listed = await check('access', () => storage.listDirectories());
  if (listed === undefined) return checks;
  checks.push(pass('access', `it can be reached and listed, controllers: ${listed.length}`));
  const handle = await check('write', () => storage.startBackup(directory, name, owner));
  if (handle === undefined) return checks;
  try {
    const bytes = randomBytes(probeBytes);
    const began = now();
    const written = await check('write', () => handle.putFile(probeFile, bytes));
    if (written === undefined) return checks;
    checks.push(pass('write', 'files can be written'));
    const read = await check('read', () => readBack(handle, bytes));
    if (read !== undefined) checks.push(pass('read', read));
    const files = await check('list', () => handle.listFiles());
    if (files !== undefined) checks.push(...checkListed(files, began));
    const told = await check('first writer', async () =>
      checkFirst(handle, await other.resumeBackup(directory, name, owner)),
    );
    if (told !== undefined) checks.push(judgeFirst(storage, told));
  } finally {
    const removed = await check('removal', async () => {
      await storage.abortBackup(directory, name, owner);
      return (await storage.listBackups(directory)).every((backup) => backup.name !== name);
    });
    if (removed === true) checks.push(pass('removal', 'what is removed is gone'));
    if (removed === false) checks.push(refused('removal', new Error(`${name} is still listed`)));
  }
  return checks;
}

function checkListed(
  files: Awaited<ReturnType<WriteHandle['listFiles']>>,
  began: number,
): StorageCheck[] {
  const found = files.find((file) => file.name === probeFile);
  if (found?.size !== probeBytes)
    return [refused('list', new Error('what was written is not listed'))];
  const drift = Math.abs(found.modified - began);
  const clock = `its clock differs by ${formatDuration(Math.round(drift / 1_000) * 1_000)}`;
  return [
    pass('list', 'what was written is listed'),
    drift <= longestDrift
      ? pass('clock', clock)
      : {
          name: 'clock',
          verdict: 'warn',
          text: clock,
          hint: 'Set the clocks right: what is old is judged by them, and S3 refuses requests that are 15 minutes off.',
        },
  ];
}

function judgeFirst(storage: BackupStorage, told: readonly string[]): StorageCheck {
  const name = 'first writer';
  if (told.join() !== 'exists,written') {
    return {
      ...refused(name, new Error(`two writers at once were told ${told.join(' and ')}`)),
      hint: 'Two hosts could both start a backup of one name. Set storage.conditionalWrites to no, or use another service.',
    };
  }
  return storage.capabilities().conditionalPut
    ? pass(name, 'of two at once the service lets one win')
    : {
        name,
        verdict: 'warn',
        text: 'the service has no conditional writes (If-None-Match): marker objects decide who is first',
        hint: 'It works, with a few requests more at the start and the end of a backup.',
      };
}
