import { CancellationScope, log, workflowInfo } from '@temporalio/workflow';
import { backupId } from '../core/ids';
import type { BackupInput, BackupReport } from '../core/messages';
import { formatSize } from '../core/sizes';
import { Cancellation } from './cancellation';
import { Compensations } from './compensation';
import { throwIfCancelled, undoneText } from './failure';
import { HostRunner, runInfo } from './host-steps';
import { OperationState } from './operation-state';
import { count, timeText } from './story';

/**
 * Takes one backup of a controller: everything is proven before it is stored, and it exists in the
 * storage complete or not at all. Cancelled or failed, what it wrote is removed.
 */
export async function backup(input: BackupInput): Promise<BackupReport> {
  const info = workflowInfo();
  const id = backupId(info.startTime, input.controller);
  const state = new OperationState({ ...input, kind: 'backup' });
  const host = new HostRunner(input.placement.host, input.limits, state);
  const cancellation = new Cancellation('backup');
  const compensations = new Compensations();
  state.concerns(id);
  try {
    return await cancellation.run(() =>
      takeBackup(input, id, state, host, compensations, cancellation),
    );
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
    const cancelled = cancellation.failure(undoneText(undone), error);
    state.giveUp(cancelled);
    throw cancelled;
  }
}

async function takeBackup(
  input: BackupInput,
  id: string,
  state: OperationState,
  host: HostRunner,
  compensations: Compensations,
  cancellation: Cancellation,
): Promise<BackupReport> {
  const started = Date.now();
  const run = runInfo();
  state.enter('preparing');
  compensations.register('remove the partial backup', () =>
    host.run('undoBackup', [run], { summary: 'remove the partial backup' }),
  );
  const prepared = await host.run('prepareBackup', [input, run, id], {
    summary: `check the host and begin ${id}`,
    attempt: 600_000,
  });
  const { ref } = prepared;

  state.enter('dumping');
  const dump = await host.run('dumpDatabase', [ref], { summary: 'dump every collection' });
  state.counted(
    `${count(dump.collections)} collections, ${count(dump.documents)} documents, ${formatSize(dump.bytes)}, ${count(dump.oplogEntries)} oplog entries`,
  );
  state.enter('bundling');
  const files = await host.run('bundleFiles', [ref], { summary: 'bundle the host files' });
  state.counted(`${count(files.files)} files, ${formatSize(files.bytes)}`);
  state.enter('composing');
  const composed = await host.run('composeArchive', [ref, input], {
    summary: 'compose the archive',
  });
  state.counted(formatSize(composed.size));
  state.enter('inspecting');
  const { archive, entries } = await host.run('inspectRope', [ref], {
    summary: 'prove the archive before it is stored',
  });
  state.counted(`${count(entries)} entries proven`);
  state.enter('storing');
  await host.run('storeArchive', [ref, archive], { summary: `store ${archive.name}` });
  state.counted(`${formatSize(archive.size)} stored`);
  state.enter('verifying');
  await host.run('verifyStored', [ref, archive], { summary: 'read back what was stored' });
  state.counted(`${formatSize(archive.size)} read back`);

  throwIfCancelled();
  cancellation.passed('finishing');
  state.enter('committing');
  // A commit that was cut off is finished, never undone: MANIFEST may be there already.
  const { outcome, warnings } = await CancellationScope.nonCancellable(async () => {
    const committed = await host.run('commitBackup', [ref, input, archive], {
      summary: 'write INDEX, then MANIFEST',
      attempt: 600_000,
    });
    compensations.clear();
    try {
      await host.run('finishBackup', [ref], { summary: 'clear the workspace', attempt: 600_000 });
    } catch (error) {
      // The backup is there; what is left on the host is removed by the next operation.
      log.warn('the workspace was not cleared', { error });
    }
    return committed;
  });
  const report: BackupReport = {
    v: 1,
    kind: 'backup',
    backupId: id,
    storage: input.storage,
    outcome,
    archive,
    collections: dump.collections,
    documents: dump.documents,
    oplogEntries: dump.oplogEntries,
    ...(dump.node === undefined ? {} : { node: dump.node }),
    ...(dump.restarts === undefined ? {} : { dumpRestarts: dump.restarts }),
    files: files.files,
    ...(warnings === undefined ? {} : { warnings }),
    ...(prepared.compensated === undefined ? {} : { compensated: prepared.compensated }),
    duration: Date.now() - started,
  };
  state.end(report.outcome, describe(report));
  return report;
}

function describe(report: BackupReport): string {
  const partial =
    report.outcome === 'partial'
      ? [' It is **partial**: the files of the other hosts of the controller are not in it.']
      : [];
  return [
    `Backup \`${report.backupId}\` is **${report.outcome}**, after ${timeText(report.duration)}.${partial.join('')}`,
    '',
    `- ${count(report.collections)} collections, ${count(report.documents)} documents, ${count(report.oplogEntries)} oplog entries, ${count(report.files)} files`,
    ...(report.dumpRestarts === undefined
      ? []
      : [`- the dump started again ${report.dumpRestarts} times`]),
    `- \`${report.archive.name}\`, ${formatSize(report.archive.size)} (${count(report.archive.size)} bytes)`,
    `- SHA-256 \`${report.archive.sha256}\``,
    ...(report.warnings ?? []).map((warning) => `- warning: ${warning}`),
  ].join('\n');
}
