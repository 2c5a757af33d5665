import type { BackupSummary } from './backup-summary';
import { HoldfastError } from '../core/errors';
import { lastGoodAmong, type PrunedBackup } from './retention';

/** What retention has to know of a listed backup. */
export function prunedBackup(summary: BackupSummary, inUse?: string): PrunedBackup {
  const { id, size, started, files, pinned, verified } = summary;
  const status = verified?.sound === false ? 'damaged' : summary.status;
  const complete = summary.status === 'complete' ? summary : undefined;
  const changed = files.reduce((latest, { modified }) => Math.max(latest, modified), 0);
  const began = Date.parse(started);
  return {
    id,
    status,
    at: status === 'incomplete' ? Math.max(changed, began) : began,
    size,
    safety: complete?.purpose === 'safety',
    partial: complete?.outcome === 'partial',
    restorable: complete?.restorable ?? false,
    pinned,
    inUse,
  };
}

/**
 * Whether backups may be removed by their ids: never a pinned one, and never so many that nothing good
 * is left in their storage. Others may be, also those that no rule of prune ever counts.
 *
 * @param backups of one controller in that storage
 * @throws HoldfastError HF-BACKUP-007, HF-BACKUP-008
 */
export function requireRemovable(
  storage: string,
  backups: readonly BackupSummary[],
  ids: readonly string[],
): void {
  const pinned = backups.find((backup) => backup.pinned && ids.includes(backup.id));
  if (pinned !== undefined) throw new HoldfastError('HF-BACKUP-007', { id: pinned.id });
  const known = backups.map((backup) => prunedBackup(backup));
  const last = lastGoodAmong(known, ids);
  if (last !== undefined) throw new HoldfastError('HF-BACKUP-008', { id: last, storage });
}
