import type { PruneInput, PruneReport } from '../core/messages';
import { formatSize } from '../core/sizes';
import { Cancellation } from './cancellation';
import { HostRunner } from './host-steps';
import { OperationState } from './operation-state';
import { timeText } from './story';

/**
 * Removes the backups that were named, or those that no rule keeps. Stopped, it has removed some of
 * them whole and left the others whole.
 */
export async function prune(input: PruneInput): Promise<PruneReport> {
  const started = Date.now();
  const state = new OperationState({ ...input, kind: 'prune' });
  const cancellation = new Cancellation('prune');
  const storage = new HostRunner(input.placement.storage, input.limits, state);
  state.enter('removing');
  const summary = input.ids === undefined ? 'remove what no rule keeps' : 'remove what was named';
  const found = await cancellation
    .run(() => storage.run('pruneBackups', [input], { summary }))
    .catch((error: unknown) => {
      const reason = cancellation.caused(error)
        ? cancellation.failure('what it had removed by then is gone', error)
        : error;
      state.giveUp(reason);
      throw reason;
    });
  const report: PruneReport = { ...found, duration: Date.now() - started };
  state.end(
    'pruned',
    `**${report.removed.length}** backups removed, **${report.swept.length}** incomplete ones swept, ${formatSize(report.freed)} freed in ${timeText(report.duration)}.`,
  );
  return report;
}
