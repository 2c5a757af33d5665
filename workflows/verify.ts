import type { VerifyInput, VerifyReport } from '../core/messages';
import { HostRunner } from './host-steps';
import { OperationState } from './operation-state';

/** Reads every byte of a stored backup and proves it against its MANIFEST and INDEX. Changes nothing. */
export async function verify(input: VerifyInput): Promise<VerifyReport> {
  const started = Date.now();
  const state = new OperationState('verify', input.controller);
  state.concerns(input.backupId);
  const storage = new HostRunner(input.placement.storage, input.limits, state);
  state.enter('verifying');
  const found = await storage.run('verifyBackup', [input], {
    summary: `read and prove ${input.backupId}`,
  });
  const report: VerifyReport = { ...found, duration: Date.now() - started };
  state.end(
    'verified',
    `Backup \`${report.backupId}\` is sound: ${report.entries} entries, ${report.documents} documents, ${report.bytes} bytes read.`,
  );
  return report;
}
