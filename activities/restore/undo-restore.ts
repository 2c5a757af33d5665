import type { MongoClient } from 'mongodb';
import { exists } from '../../controller/root-path';
import { removeStagedFiles, rollbackFiles } from '../../controller/swap-files';
import type { OperationRef } from '../../core/operation';
import { dropAttemptUsers } from '../../mongo/attempt-user';
import { releaseLease } from '../../mongo/lease';
import { rollbackSwap } from '../../mongo/swap';
import { dropStage } from '../../mongo/swap-cleanup';
import { requireSameHost } from '../../controller/host-identity';
import type { ActivityDependencies } from '../dependencies';
import { identifyThisHost } from '../operation';
import type { Attempt } from '../step';
import { closeJournal, heldBy, readJournal, type Journal } from '../workspace/journal';
import { claimEpoch } from '../workspace/epoch';
import { Workspace } from '../workspace/workspace';
import { undoMachinePassword } from './machine-password';
import { openForRestore } from './restore-access';
import { runFiles } from './run-files';
import { readStopped, servicesEpoch, servicesOf } from './stop-agents';

/**
 * Everything backwards, from wherever the restore stands: services stopped, files and collections
 * swapped back, password, stage and users gone, services as they were.
 *
 * Side effect: the exact state before. Idempotency key: the run id; each journal says what is still
 * to be undone. Compensation: none. Retried without limit.
 * @throws HoldfastError HF-LOCK-002 when the old data is being removed already: then only forward.
 */
export async function undoRestore(
  dependencies: ActivityDependencies,
  attempt: Attempt,
  ref: OperationRef,
): Promise<void> {
  requireSameHost(await identifyThisHost(dependencies), ref.host);
  const workspace = new Workspace(dependencies.config.workspace);
  const journal = await readJournal(workspace);
  if (journal?.ref.runId !== ref.runId) {
    await workspace.removeRun(ref.runId);
    return;
  }
  if (journal.state === 'finishing') throw heldBy(journal);
  await undo(dependencies, attempt, workspace, journal);
}

/** The same, for a run known from its journal. */
export async function undoRestoreRun(
  dependencies: ActivityDependencies,
  attempt: Attempt,
  ref: OperationRef,
): Promise<void> {
  await undoRestore(dependencies, attempt, ref);
}

async function undo(
  dependencies: ActivityDependencies,
  attempt: Attempt,
  workspace: Workspace,
  { ref, state }: Journal,
): Promise<void> {
  const directory = await workspace.ensureRun(ref.runId);
  const { signal, progress } = attempt;
  // Claimed first: an attempt that still loads, swaps, stops or starts sees it and ends.
  for (const step of ['load', 'swap', servicesEpoch]) await claimEpoch(directory, step);
  const stopped = await readStopped(directory);
  const services = servicesOf(dependencies);
  if (stopped !== undefined && state === 'past-no-return') {
    await services.mask(stopped.unit, signal);
    await services.stop(stopped.unit, signal);
  }
  const { client } = await openForRestore(dependencies, attempt, directory, 'undo');
  try {
    await dropAttemptUsers(client, ref.runId);
    const files = runFiles.fileSwap(directory);
    if (await exists(files)) {
      await rollbackFiles(files);
      await removeStagedFiles(files);
    }
    await progress.during(undoDatabase(client, ref, directory, signal));
    await releaseLease(client, ref.runId);
  } finally {
    await client.close();
  }
  if (stopped !== undefined) {
    if (!stopped.wasMasked) await services.unmask(stopped.unit, signal);
    if (stopped.wasActive) await services.start(stopped.unit, signal);
  }
  await workspace.removeRun(ref.runId);
  await closeJournal(workspace, ref.runId);
}

async function undoDatabase(
  client: MongoClient,
  ref: OperationRef,
  directory: string,
  signal: AbortSignal,
): Promise<void> {
  const options = { client, runId: ref.runId, signal };
  await rollbackSwap(options);
  await dropStage(options);
  await undoMachinePassword(directory, client);
}
