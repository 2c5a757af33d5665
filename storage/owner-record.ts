/** Who has a backup, as its file `.owner` says: `{"v":1,"owner":"…"}` and a newline. */
export interface OwnerRecord {
  readonly owner: string;
}

/** What is read of a record at most, bytes: one as long, or longer, is of nobody that is known. */
export const mostOwnerBytes = 64 * 1024;

export function ownerRecord(owner: string): Buffer {
  return Buffer.from(`${JSON.stringify({ v: 1, owner })}\n`);
}

/** The owner that a record names; undefined when none of ours wrote it: nobody may touch the backup then. */
export function parseOwner(bytes: Buffer): OwnerRecord | undefined {
  if (bytes.length >= mostOwnerBytes) return undefined;
  try {
    const record: unknown = JSON.parse(bytes.toString('utf8'));
    if (typeof record !== 'object' || record === null || !('owner' in record)) return undefined;
    return typeof record.owner === 'string' ? { owner: record.owner } : undefined;
  } catch {
    // Not JSON: none of ours wrote it.
    return undefined;
  }
}
