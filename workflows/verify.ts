import type { VerifyInput, VerifyReport } from '../core/messages';
import { formatSize } from '../core/sizes';
import { Cancellation } from './cancellation';
import { HostRunner } from './host-steps';
import { OperationState } from './operation-state';
import { count, timeText } from './story';

/**
 * Reads every byte of a stored backup and proves it against its MANIFEST and INDEX. Changes nothing, and
 * stops when it is asked to.
 */
export async function verify(input: VerifyInput): Promise<VerifyReport> {
  const started = Date.now();
  const state = new OperationState({ ...input, kind: 'verify' });
  state.concerns(input.backupId);
  const cancellation = new Cancellation('verify');
  const storage = new HostRunner(input.placement.storage, input.limits, state);
  state.enter('verifying');
  const summary = `read and prove ${input.backupId}`;
  const found = await cancellation
    .run(() => storage.run('verifyBackup', [input], { summary }))
    .catch((error: unknown) => {
      const reason = cancellation.caused(error)
        ? cancellation.failure('it had changed nothing', error)
        : error;
      state.giveUp(reason);
      throw reason;
    });
  const report: VerifyReport = { ...found, duration: Date.now() - started };
  state.end(
    'verified',
    `Backup \`${report.backupId}\` is **sound**: ${count(report.entries)} entries, ${count(report.documents)} documents, ${formatSize(report.bytes)} read in ${timeText(report.duration)}.`,
  );
  return report;
}
