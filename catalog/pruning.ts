import type { BackupSummary } from './backup-summary';
import type { PrunedBackup } from './retention';

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
