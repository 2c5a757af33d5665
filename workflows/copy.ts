import { CancellationScope, log } from '@temporalio/workflow';
import type { PreparedCopy } from '../activities/steps';
import type { CopyInput, CopyReport } from '../core/messages';
import { formatSize } from '../core/sizes';
import { Cancellation } from './cancellation';
import { Compensations } from './compensation';
import { throwIfCancelled } from './failure';
import { HostRunner, runInfo } from './host-steps';
import { OperationState } from './operation-state';
import { count, timeText } from './story';

/**
 * Copies one complete backup into another storage, where it is complete or not there at all. Cancelled
 * or failed, what it wrote there is removed. Where the identical backup is already, it is done at once.
 */
export async function copy(input: CopyInput): Promise<CopyReport> {
  const started = Date.now();
  const state = new OperationState({ ...input, kind: 'copy' });
  const host = new HostRunner(input.placement.storage, input.limits, state);
  const cancellation = new Cancellation('copy');
  const compensations = new Compensations();
  state.concerns(input.backupId);
  try {
    const { present, ...copied } = await cancellation.run(() =>
      copyBackup(input, state, host, compensations, cancellation),
    );
    const report: CopyReport = {
      v: 1,
      kind: 'copy',
      backupId: input.backupId,
      from: input.storage,
      to: input.to,
      outcome: present ? 'present' : 'copied',
      archive: copied.archive,
      files: copied.files,
      bytes: copied.bytes,
      duration: Date.now() - started,
    };
    state.end(report.outcome, describe(report));
    return report;
  } catch (error) {
    state.failed(error);
    let undone = true;
    if (compensations.pending) {
      state.enter('compensating');
      undone = await compensations.run();
    }
    if (!cancellation.caused(error)) {
      state.giveUp(error);
      throw error;
    }
    const outcome = undone
      ? 'what it had begun was undone'
      : 'what it had begun is undone by the next copy on the host';
    const cancelled = cancellation.failure(outcome, error);
    state.giveUp(cancelled);
    throw cancelled;
  }
}

async function copyBackup(
  input: CopyInput,
  state: OperationState,
  host: HostRunner,
  compensations: Compensations,
  cancellation: Cancellation,
): Promise<PreparedCopy> {
  const run = runInfo();
  const clear = (summary: string) => host.run('clearCopy', [run], { summary });
  compensations.register('remove the partial copy', () => clear('remove the partial copy'));
  const prepared = await host.run('prepareCopy', [input, run], {
    summary: `look at both storages and begin ${input.backupId}`,
    attempt: 600_000,
  });
  if (prepared.present) {
    compensations.clear();
    return prepared;
  }
  const { files, bytes } = prepared;
  state.enter('copying');
  await host.run('copyFiles', [run], { summary: `copy ${files} files into ${input.to}` });
  state.counted(`${count(files)} files, ${formatSize(bytes)}`);
  state.enter('verifying');
  await host.run('verifyCopied', [run], { summary: 'read back what was copied' });
  state.counted(`${formatSize(bytes)} read back`);

  throwIfCancelled();
  cancellation.passed('finishing');
  state.enter('committing');
  // A commit that was cut off is finished, never undone: MANIFEST may be there already.
  await CancellationScope.nonCancellable(async () => {
    await host.run('commitCopy', [run], { summary: 'write MANIFEST', attempt: 600_000 });
    compensations.clear();
    try {
      await clear('clear the workspace');
    } catch (error) {
      // The copy is there; what is left on the host is removed by the next one.
      log.warn('the workspace was not cleared', { error });
    }
  });
  return prepared;
}

function describe({ backupId, from, to, outcome, files, bytes, duration }: CopyReport): string {
  return outcome === 'present'
    ? `Storage \`${to}\` held backup \`${backupId}\` already, the same as in \`${from}\`.`
    : `Backup \`${backupId}\` is **complete** in storage \`${to}\`: ${count(files)} files, ${formatSize(bytes)}, in ${timeText(duration)}.`;
}
