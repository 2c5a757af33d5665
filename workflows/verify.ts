import type { VerifyInput, VerifyReport } from '../core/messages';
import { formatSize } from '../core/sizes';
import { HostRunner } from './host-steps';
import { OperationState } from './operation-state';
import { count, timeText } from './story';

/** Reads every byte of a stored backup and proves it against its MANIFEST and INDEX. Changes nothing. */
export async function verify(input: VerifyInput): Promise<VerifyReport> {
  const started = Date.now();
  const state = new OperationState({ ...input, kind: 'verify' });
  state.concerns(input.backupId);
  const storage = new HostRunner(input.placement.storage, input.limits, state);
  state.enter('verifying');
  const found = await storage
    .run('verifyBackup', [input], { summary: `read and prove ${input.backupId}` })
    .catch((error: unknown) => {
      state.giveUp(error);
      throw error;
    });
  const report: VerifyReport = { ...found, duration: Date.now() - started };
  state.end(
    'verified',
    `Backup \`${report.backupId}\` is **sound**: ${count(report.entries)} entries, ${count(report.documents)} documents, ${formatSize(report.bytes)} read in ${timeText(report.duration)}.`,
  );
  return report;
}
