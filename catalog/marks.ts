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
