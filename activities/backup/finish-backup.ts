import type { OperationRef } from '../../core/operation';
import type { ActivityDependencies } from '../dependencies';
import type { Attempt } from '../step';
import { closeJournal } from '../workspace/journal';
import { Workspace } from '../workspace/workspace';

/**
 * Clears the workspace of a committed backup.
 *
 * Side effect: run directory and journal removed. Idempotency key: the run id. Retried without limit.
 */
export async function finishBackup(
  dependencies: ActivityDependencies,
  _attempt: Attempt,
  ref: OperationRef,
): Promise<void> {
  const workspace = new Workspace(dependencies.config.workspace);
  await workspace.removeRun(ref.runId);
  await closeJournal(workspace, ref.runId);
}
