import type { HeartbeatDetail, Phase, ProgressUnit } from '../../core/messages';
import { quoteName } from '../../core/ids';
import { formatSize } from '../../core/sizes';
import { formatCount, formatDuration } from './units';

/** What people read for a phase. */
export const phaseTitles: Readonly<Record<Phase, string>> = {
  preparing: 'preparing',
  dumping: 'dumping the database',
  bundling: 'bundling the host files',
  composing: 'composing the archive',
  inspecting: 'proving the archive',
  storing: 'storing the archive',
  removing: 'removing backups',
  choosing: 'choosing backups',
  copying: 'copying the backup',
  verifying: 'reading back and proving what is stored',
  committing: 'committing',
  locating: 'locating the backup',
  fetching: 'fetching the archive',
  preflight: 'checking whether the restore can work',
  'awaiting-confirmation': 'waiting for the confirmation',
  beginning: 'beginning',
  loading: 'loading the data beside the live data',
  'staging-files': 'staging the files',
  'stopping-agents': 'stopping the agents',
  swapping: 'swapping live and restored data',
  'restoring-users': 'restoring users',
  'starting-agents': 'starting the agents',
  'cleaning-up': 'cleaning up',
  compensating: 'undoing what was begun',
  'rolling-back': 'rolling back',
  'waiting-for-host': 'waiting for the worker on the host',
  done: 'finishing',
};

/** The phase a search attribute names, for any text a newer worker may write. */
export function phaseTitle(phase: string): string {
  const known: Readonly<Record<string, string>> = phaseTitles;
  return known[phase] ?? phase;
}

/** An amount in its unit: `1.2 GiB`, `3,400 documents`. */
export function formatAmount(amount: number, unit: ProgressUnit): string {
  return unit === 'bytes' ? formatSize(amount) : `${formatCount(amount)} ${unit}`;
}

/**
 * How far a step is, from its heartbeat: percent of the phase, amounts, rate, time left. Never
 * 100 %: that is said by the phase's end. Empty for no heartbeat.
 */
export function renderProgress(heartbeat: HeartbeatDetail | undefined): string {
  if (heartbeat === undefined) return '';
  const { done, total, unit, rate, documents, current } = heartbeat;
  const parts: string[] = [];
  if (total !== undefined && total > 0) {
    const percent = Math.min(99, Math.max(0, Math.floor((done / total) * 100)));
    parts.push(`${percent} %`, `${formatAmount(done, unit)} of ${formatAmount(total, unit)}`);
  } else {
    parts.push(formatAmount(done, unit));
  }
  if (documents !== undefined && unit !== 'documents') {
    parts.push(formatAmount(documents, 'documents'));
  }
  if (rate > 0) {
    parts.push(`${formatAmount(rate, unit)}/s`);
    if (total !== undefined && total > done) {
      parts.push(`${formatDuration(((total - done) / rate) * 1_000)} left`);
    }
  }
  if (current !== undefined) parts.push(quoteName(current));
  return parts.join(', ');
}
