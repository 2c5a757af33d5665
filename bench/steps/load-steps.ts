import { beginRestore } from '../../activities/restore/begin-restore';
import { fetchArchive } from '../../activities/restore/fetch-archive';
import { inspectArchive } from '../../activities/restore/inspect-archive';
import { loadStaged } from '../../activities/restore/load-staged';
import { preflightRestore } from '../../activities/restore/preflight';
import { prepareRestore } from '../../activities/restore/prepare-restore';
import { undoRestore } from '../../activities/restore/undo-restore';
import { controllerWorkflowId } from '../../core/ids';
import type { RestoreInput } from '../../core/messages';
import { begin, commonInput, end, type StepHost } from './step-host';

/**
 * The load of a backup beside the live data, with its progress documents and indexes. The proof that
 * follows is told apart; the stages are removed again, outside of what is measured.
 */
export async function load(host: StepHost, backupId: string): Promise<void> {
  const { identity, dependencies, attempt } = host;
  const input: RestoreInput = {
    ...commonInput(host),
    action: 'restore',
    backup: { id: backupId },
    planOnly: false,
    confirmed: true,
    keepOld: false,
  };
  const run = {
    v: 1,
    workflowId: controllerWorkflowId(identity.modelUuid),
    runId: attempt.runId,
  } as const;
  const { ref } = await prepareRestore(dependencies, attempt, input, run, backupId);
  await fetchArchive(dependencies, attempt, ref);
  await inspectArchive(dependencies, attempt, ref);
  await preflightRestore(dependencies, attempt, ref);
  await beginRestore(dependencies, attempt, ref, input);
  try {
    begin();
    const began = performance.now();
    const { documents } = await loadStaged(dependencies, attempt, ref);
    const ended = performance.now();
    const at = (name: string): number =>
      attempt.progress.phases.find((phase) => phase.name === name)?.at ?? ended;
    end({
      documents,
      loading: (at('building indexes') - began) / 1000,
      indexing: (at('proving') - at('building indexes')) / 1000,
      proving: (ended - at('proving')) / 1000,
    });
  } finally {
    await undoRestore(dependencies, attempt, ref);
  }
}
