import type { OperationRef } from '../../core/operation';
import type { ActivityDependencies } from '../dependencies';
import type { Attempt } from '../step';
import { tellCatalog } from '../tell-catalog';
import type { RunInfo } from '../steps';
import { closeJournal, readJournal } from '../workspace/journal';
import { Workspace } from '../workspace/workspace';

/**
 * Compensation of a backup: its partial storage directory and its run directory go, then its journal.
 *
 * Side effect: removal. Idempotency key: the run id; does nothing unless the journal names it, and
 * nothing to a backup that has its MANIFEST. Compensation: none. Retried without limit.
 */
export async function undoBackup(
  dependencies: ActivityDependencies,
  attempt: Attempt,
  run: RunInfo,
): Promise<void> {
  const journal = await readJournal(new Workspace(dependencies.config.workspace));
  if (journal?.ref.runId !== run.runId) return;
  await undoBackupRun(dependencies, attempt, journal.ref);
}

/** The same, for a run known from its journal. */
export async function undoBackupRun(
  dependencies: ActivityDependencies,
  attempt: Attempt,
  ref: OperationRef,
): Promise<void> {
  const workspace = new Workspace(dependencies.config.workspace);
  const storage = dependencies.openStorage(ref.plan.storage);
  await storage.abortBackup(ref.directory, ref.backupId, ref.owner, { signal: attempt.signal });
  const { storage: name } = ref.plan;
  const changed = { storage: name, controller: ref.directory, ids: [ref.backupId] };
  await tellCatalog(dependencies, attempt, changed);
  await workspace.removeRun(ref.runId);
  await closeJournal(workspace, ref.runId);
}
