import { isGrpcServiceError, WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { ActivityDependencies } from './dependencies';
import type { Attempt } from './step';
import { undoBackupRun } from './backup/undo-backup';
import { undoRestoreRun } from './restore/undo-restore';
import { heldBy, readJournal, type Journal } from './workspace/journal';
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
  runId: string,
): Promise<string | undefined> {
  const workspace = new Workspace(dependencies.config.workspace);
  await workspace.ensure();
  const journal = await readJournal(workspace);
  if (journal === undefined || journal.ref.runId === runId) return undefined;
  if (journal.state !== 'open') throw heldBy(journal);
  if (await isOpen(attempt.client, journal)) throw heldBy(journal);
  attempt.warn('compensating what an earlier run left', {
    run: journal.ref.runId,
    backup: journal.ref.backupId,
  });
  switch (journal.ref.kind) {
    case 'backup':
      await undoBackupRun(dependencies, attempt, journal.ref);
      break;
    case 'restore':
      await undoRestoreRun(dependencies, attempt, journal.ref);
      break;
  }
  return journal.ref.runId;
}

async function isOpen(client: Client, journal: Journal): Promise<boolean> {
  const { workflowId, runId } = journal.ref;
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
