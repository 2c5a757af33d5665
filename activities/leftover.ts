import { isGrpcServiceError, WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { ActivityDependencies } from './dependencies';
import type { Attempt } from './step';
import { undoBackupRun } from './backup/undo-backup';
import { undoRestoreRun } from './restore/undo-restore';
import type { RunInfo } from './steps';
import { heldBy, readJournal } from './workspace/journal';
import { Workspace } from './workspace/workspace';

/** gRPC status NOT_FOUND. */
const notFound: readonly number[] = [5];

/**
 * What an earlier run left on this host, compensated: a run that has closed (or that Temporal does
 * not know any more) before its point of no return is undone from its journal.
 * @returns the run that was compensated, if any.
 * @throws HoldfastError HF-LOCK-002 over a run that is open, or past its point of no return.
 */
export async function compensateLeftover(
  dependencies: ActivityDependencies,
  attempt: Attempt,
  run: RunInfo,
): Promise<string | undefined> {
  const workspace = new Workspace(dependencies.config.workspace);
  await workspace.ensure();
  const compensated = await compensateJournal(dependencies, attempt, workspace, run.runId);
  await removeStrayRuns(attempt, workspace, run);
  return compensated;
}

/**
 * A restore that was terminated before it began has a directory, with the archive in it, and no
 * journal: nothing else would ever remove it.
 */
async function removeStrayRuns(
  attempt: Attempt,
  workspace: Workspace,
  { workflowId, runId }: RunInfo,
): Promise<void> {
  for (const stray of await workspace.runs()) {
    if (stray === runId) continue;
    if (await isOpen(attempt.client, { workflowId, runId: stray })) continue;
    attempt.warn('removing what an earlier run kept', { run: stray });
    await workspace.removeRun(stray);
  }
}

async function compensateJournal(
  dependencies: ActivityDependencies,
  attempt: Attempt,
  workspace: Workspace,
  runId: string,
): Promise<string | undefined> {
  const journal = await readJournal(workspace);
  if (journal === undefined || journal.ref.runId === runId) return undefined;
  if (journal.state !== 'open') throw heldBy(journal);
  if (await isOpen(attempt.client, journal.ref)) throw heldBy(journal);
  attempt.warn('compensating what an earlier run left', {
    run: journal.ref.runId,
    backup: journal.ref.backupId,
  });
  switch (journal.ref.kind) {
    case 'backup':
      await undoBackupRun(dependencies, attempt, journal.ref);
      break;
    case 'restore':
    case 'restoreCollections':
      await undoRestoreRun(dependencies, attempt, journal.ref);
      break;
  }
  return journal.ref.runId;
}

async function isOpen(
  client: Client,
  { workflowId, runId }: Pick<RunInfo, 'workflowId' | 'runId'>,
): Promise<boolean> {
  try {
    const { status } = await client.workflow.getHandle(workflowId, runId).describe();
    return status.name === 'RUNNING' || status.name === 'PAUSED';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    // A server that was set up anew does not know the run; any other failure must not count as "gone".
    if (isGrpcServiceError(error) && notFound.includes(error.code)) return false;
    throw error;
  }
}
