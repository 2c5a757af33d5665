import type { OperationRef } from '../../core/operation';
import type { ActivityDependencies } from '../dependencies';
import type { Attempt } from '../step';
import { readJournal } from '../workspace/journal';
import { Workspace } from '../workspace/workspace';

/**
 * Removes what a run kept that changed nothing: fetched archive and proofs.
 *
 * Side effect: the run directory removed. Idempotency key: the run id; a run that has its journal
 * is left alone.
 */
export async function discardRun(
  dependencies: ActivityDependencies,
  _attempt: Attempt,
  ref: OperationRef,
): Promise<void> {
  const workspace = new Workspace(dependencies.config.workspace);
  const journal = await readJournal(workspace);
  if (journal?.ref.runId === ref.runId) return;
  await workspace.removeRun(ref.runId);
}
