import { exists } from '../../controller/root-path';
import { removeOldFiles, removeStagedFiles } from '../../controller/swap-files';
import type { OperationRef } from '../../core/operation';
import { dropAttemptUsers } from '../../mongo/attempt-user';
import { releaseLease } from '../../mongo/lease';
import { dropOld, dropStage } from '../../mongo/swap-cleanup';
import { requireSameHost } from '../../controller/host-identity';
import type { ActivityDependencies } from '../dependencies';
import { identifyThisHost } from '../operation';
import { inPlaceRun } from '../collections/in-place';
import type { Attempt } from '../step';
import { advanceJournal, closeJournal, readJournal } from '../workspace/journal';
import { Workspace } from '../workspace/workspace';
import { connectForRestore } from './restore-access';
import { runFiles } from './run-files';

/**
 * The end of a restore: what was before goes (unless it is to be kept), then the stage's leftovers,
 * the lease, the journal and the run directory.
 *
 * Side effect: removal. Idempotency key: the run id; done when the journal does not name it.
 * Compensation: none, there is no way back any more. Retried without limit.
 */
export async function finishRestore(
  dependencies: ActivityDependencies,
  attempt: Attempt,
  ref: OperationRef,
  keepOld: boolean,
): Promise<void> {
  requireSameHost(await identifyThisHost(dependencies), ref.host);
  const workspace = new Workspace(dependencies.config.workspace);
  const journal = await readJournal(workspace);
  if (journal?.ref.runId !== ref.runId) return;
  const directory = await workspace.ensureRun(ref.runId);
  await advanceJournal(workspace, ref, 'finishing');
  const { signal } = attempt;
  const client = await connectForRestore(dependencies, attempt, directory, 'finish');
  try {
    const runs = [inPlaceRun(ref.runId), ref.runId];
    if (!keepOld) {
      // Gone when an attempt before this one died between run directory and journal.
      const files = runFiles.fileSwap(directory);
      if (await exists(files)) await removeOldFiles(files);
      for (const runId of runs) {
        await attempt.progress.during(dropOld({ client, runId, signal }));
      }
    }
    await removeStagedFiles(runFiles.fileSwap(directory));
    for (const runId of runs) {
      await attempt.progress.during(dropStage({ client, runId, signal }));
    }
    await dropAttemptUsers(client, ref.runId);
    await releaseLease(client, ref.runId);
  } finally {
    await client.close();
  }
  await workspace.removeRun(ref.runId);
  await closeJournal(workspace, ref.runId);
}
