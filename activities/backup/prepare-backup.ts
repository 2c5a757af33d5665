import type { MongoClient } from 'mongodb';
import { z } from 'zod';
import { storageVolume } from '../../config/storage-schema';
import { findStorage } from '../../config/storages';
import type { BackupInput } from '../../core/messages';
import { isExcludedNamespace } from '../../core/ids';
import { storageDirectory, type OperationRef } from '../../core/operation';
import { HoldfastError } from '../../core/errors';
import { requireSameHost } from '../../controller/host-identity';
import type { ActivityDependencies } from '../dependencies';
import { onOneVolume, requireSpace } from '../disk-space';
import { connectAgent } from '../mongo-access';
import { currentPlan, identifyThisHost } from '../operation';
import type { Attempt } from '../step';
import type { PreparedBackup, RunInfo } from '../steps';
import { compensateLeftover } from '../leftover';
import { heldBy, openJournal, readJournal } from '../workspace/journal';
import { Workspace } from '../workspace/workspace';

/** What a dump of compressible data is expected to need of the data's size (design: disk is watched). */
const spoolShare = 0.6;

const sizeSchema = z.object({ dataSize: z.number() });

/**
 * Checks the host and begins the backup: identity, plan, disk, database, then the journal and the
 * storage directory.
 *
 * Side effect: journal, run directory, storage directory. Idempotency key: the run id. Checkpoint:
 * none, it takes seconds. Compensation: undoBackup. Timeout: ten minutes, since compensating a
 * leftover may take long.
 */
export async function prepareBackup(
  dependencies: ActivityDependencies,
  attempt: Attempt,
  input: BackupInput,
  run: RunInfo,
  backupId: string,
): Promise<PreparedBackup> {
  const { config, environment } = dependencies;
  const host = await identifyThisHost(dependencies);
  requireSameHost(host, { ...host, modelUuid: input.controller, machine: input.machine });
  const ref: OperationRef = {
    v: 1,
    kind: 'backup',
    workflowId: run.workflowId,
    runId: run.runId,
    backupId,
    directory: storageDirectory(input.controller),
    owner: `${run.workflowId}/${run.runId}`,
    host,
    plan: currentPlan(dependencies, input.storage),
  };
  const workspace = new Workspace(config.workspace);
  const compensated = await compensateLeftover(dependencies, attempt, run);
  await requireDataFits(dependencies, attempt, input.storage);
  // All of that can take long, and a journal of a run that is over would hold the host.
  await attempt.requireWanted();
  const opened = await openJournal(workspace, {
    v: 1,
    ref,
    state: 'open',
    since: environment.now(),
    temporal: config.temporal.address,
  });
  if (!opened) await refuseHeld(workspace);
  await workspace.ensureRun(run.runId);
  const storage = dependencies.openStorage(input.storage);
  await storage.startBackup(ref.directory, backupId, ref.owner, { signal: attempt.signal });
  return { ref, ...(compensated === undefined ? {} : { compensated }) };
}

async function refuseHeld(workspace: Workspace): Promise<never> {
  const journal = await readJournal(workspace);
  throw journal === undefined
    ? new HoldfastError('HF-INTERNAL-001', { reason: 'the journal vanished while it was opened' })
    : heldBy(journal);
}

async function requireDataFits(
  dependencies: ActivityDependencies,
  attempt: Attempt,
  into: string,
): Promise<void> {
  const { config } = dependencies;
  const client = await connectAgent(dependencies, {
    purpose: 'prepare',
    direct: false,
    signal: attempt.signal,
  });
  try {
    const need = (await dataSize(client)) * spoolShare;
    const floor = config.limits.freeSpace;
    const storage = storageVolume(findStorage(config, into));
    const shared = storage !== undefined && (await onOneVolume(config.workspace, storage));
    const what = shared ? 'spool and archive of this backup' : 'the spool of this backup';
    await requireSpace(config.workspace, shared ? 2 * need : need, what, floor);
    if (storage !== undefined && !shared)
      await requireSpace(storage, need, 'the archive of this backup', floor);
  } finally {
    await client.close();
  }
}

/** Bytes of every document on the server, uncompressed. */
async function dataSize(client: MongoClient): Promise<number> {
  const { databases } = await client.db('admin').admin().listDatabases({ nameOnly: true });
  let sum = 0;
  for (const { name } of databases) {
    if (isExcludedNamespace(name)) continue;
    const stats = sizeSchema.parse(await client.db(name).command({ dbStats: 1 }));
    sum += stats.dataSize;
  }
  return sum;
}
