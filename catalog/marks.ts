import type { CallOptions, BackupStorage, StoredFile } from '../storage/contract';

const pinPattern = /^PIN\.(\d{1,6})$/;
const mostPins = 999_999;

/**
 * How often a backup was pinned and unpinned: it is pinned when this is odd. Each change adds a file
 * `PIN.<n>`, which only one writer can; nothing of a complete backup is ever replaced.
 */
function pinChanges(files: readonly Pick<StoredFile, 'name'>[]): number {
  return files.reduce(
    (most, { name }) => Math.max(most, Number(pinPattern.exec(name)?.[1] ?? 0)),
    0,
  );
}

/** Whether a backup is pinned, by the names of its files alone. */
export function isPinned(files: readonly Pick<StoredFile, 'name'>[]): boolean {
  return pinChanges(files) % 2 === 1;
}

/** A complete backup whose pin is changed. */
export interface PinTarget extends CallOptions {
  readonly storage: BackupStorage;
  /** Model UUID of the controller. */
  readonly controller: string;
  readonly id: string;
  /** From its MANIFEST. */
  readonly owner: string;
  /** RFC 3339, written into the file for people. */
  readonly at: string;
}

/**
 * Pins a complete backup, or takes the pin back. Of two callers at once both find it done.
 * @returns whether it was changed: false when it was so already
 * @throws HoldfastError HF-STORAGE-001, HF-STORAGE-002, and what the storage throws.
 */
export async function setPin(target: PinTarget, pinned: boolean): Promise<boolean> {
  const { storage, controller, id, owner, at } = target;
  const call = target.signal === undefined ? {} : { signal: target.signal };
  const handle = await storage.resumeBackup(controller, id, owner, call);
  for (;;) {
    const files = await handle.listFiles(call);
    if (isPinned(files) === pinned) return false;
    const next = Math.min(mostPins, pinChanges(files) + 1);
    const text = `${JSON.stringify({ v: 1, pinned, at })}\n`;
    const options = { ...call, ifAbsent: true };
    if ((await handle.putFile(`PIN.${next}`, Buffer.from(text), options)) === 'written')
      return true;
  }
}

/** What the last verification of a backup found. */
export interface Verified {
  /** Milliseconds since the epoch, whole seconds. */
  readonly at: number;
  readonly sound: boolean;
}

const verifiedPattern = /^VERIFIED\.(\d{10,11})\.(sound|damaged)$/;

/** The last verification of a backup, by the names of its files alone; undefined when there was none. */
export function lastVerified(files: readonly Pick<StoredFile, 'name'>[]): Verified | undefined {
  let last: Verified | undefined;
  for (const { name } of files) {
    const match = verifiedPattern.exec(name);
    if (match === null) continue;
    const found = { at: Number(match[1]) * 1000, sound: match[2] === 'sound' };
    // Of two in one second the one that found damage counts.
    if (last === undefined || found.at > last.at || (found.at === last.at && !found.sound))
      last = found;
  }
  return last;
}

/**
 * Writes down what a verification found: a file `VERIFIED.<seconds>.<sound or damaged>`.
 * @throws HoldfastError HF-STORAGE-001, HF-STORAGE-002, and what the storage throws.
 */
export async function recordVerified(
  target: Omit<PinTarget, 'at'>,
  { at, sound }: Verified,
): Promise<void> {
  const { storage, controller, id, owner } = target;
  const call = target.signal === undefined ? {} : { signal: target.signal };
  const handle = await storage.resumeBackup(controller, id, owner, call);
  const name = `VERIFIED.${Math.floor(at / 1000)}.${sound ? 'sound' : 'damaged'}`;
  const text = `${JSON.stringify({ v: 1, sound, at: new Date(at).toISOString() })}\n`;
  await handle.putFile(name, Buffer.from(text), { ...call, ifAbsent: true });
}
