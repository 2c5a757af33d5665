import type { MongoClient } from 'mongodb';
import { exists } from '../../controller/root-path';
import { removeStagedFiles, rollbackFiles } from '../../controller/swap-files';
import type { OperationRef } from '../../core/operation';
import { dropAttemptUsers } from '../../mongo/attempt-user';
import { releaseLease } from '../../mongo/lease';
import { rollbackSwap } from '../../mongo/swap';
import { dropStage } from '../../mongo/swap-cleanup';
import { bucketsOf } from '../../mongo/time-series';
import { requireSameHost } from '../../controller/host-identity';
import type { ActivityDependencies } from '../dependencies';
import { identifyThisHost } from '../operation';
import { inPlaceRun, inPlaceTargets } from '../collections/in-place';
import type { Attempt } from '../step';
import type { UndoSummary } from '../steps';
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
 * Side effect: the exact state before, but for time series that loadInPlace has dropped: they are
 * gone, and named in the result. Idempotency key: the run id; each journal says what is still
 * to be undone. Compensation: none. Retried without limit.
 * @throws HoldfastError HF-LOCK-002 when the old data is being removed already: then only forward.
 */
export async function undoRestore(
  dependencies: ActivityDependencies,
  attempt: Attempt,
  ref: OperationRef,
): Promise<UndoSummary> {
  requireSameHost(await identifyThisHost(dependencies), ref.host);
  const workspace = new Workspace(dependencies.config.workspace);
  const journal = await readJournal(workspace);
  if (journal?.ref.runId !== ref.runId) {
    await workspace.removeRun(ref.runId);
    return {};
  }
  if (journal.state === 'finishing') throw heldBy(journal);
  const lost = await undo(dependencies, attempt, workspace, journal);
  return lost.length === 0 ? {} : { lost };
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
): Promise<readonly string[]> {
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
  let lost: readonly string[];
  try {
    await dropAttemptUsers(client, ref.runId);
    const files = runFiles.fileSwap(directory);
    if (await exists(files)) {
      await rollbackFiles(files);
      await removeStagedFiles(files);
    }
    lost = await lostInPlace(client, directory);
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
  return lost;
}

/** Time series that are not there any more, because they were dropped for what was to come. */
async function lostInPlace(client: MongoClient, directory: string): Promise<string[]> {
  const targets = await inPlaceTargets.find(directory);
  const lost: string[] = [];
  for (const { database, name, uuid } of targets?.series ?? []) {
    const found = await bucketsOf(client, database, name);
    if (found?.uuid !== uuid) lost.push(`${database}.${name}`);
  }
  return lost;
}

async function undoDatabase(
  client: MongoClient,
  ref: OperationRef,
  directory: string,
  signal: AbortSignal,
): Promise<void> {
  const runs = [inPlaceRun(ref.runId), ref.runId].map((runId) => ({ client, runId, signal }));
  // All are back before any stage goes: the renames backwards go to stages.
  for (const options of runs) await rollbackSwap(options);
  for (const options of runs) await dropStage(options);
  await undoMachinePassword(directory, client);
}
