import type { BackupSummary } from './backup-summary';

/** When the bytes of a backup were last seen to be sound or not: by a verification, else by its commit, which reads back all of it. Milliseconds since the epoch. */
export function lastProven(summary: BackupSummary): number {
  const { verified, started } = summary;
  if (verified !== undefined) return verified.at;
  return Date.parse(summary.status === 'complete' ? summary.finished : started);
}

/** What a choice has to know of a backup. */
export interface Provable {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly proven: number;
}

/**
 * The backups whose turn it is to be verified: `percent` of them, rounded up, those that were not
 * proven for longest. New ones join the end of the queue, so a run a day with P percent reads every
 * backup that stays within 100/P days, whatever is taken and pruned meanwhile: with 5% within 20.
 * Pure: what is chosen depends on the times and ids alone.
 *
 * @param percent above 0, at most 100
 */
export function longestUnproven<B extends Provable>(backups: readonly B[], percent: number): B[] {
  const queue = backups.toSorted((a, b) => a.proven - b.proven || (a.id < b.id ? -1 : 1));
  return queue.slice(0, Math.ceil((backups.length * percent) / 100));
}
