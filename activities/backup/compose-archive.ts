import { rename } from 'node:fs/promises';
import { relative } from 'node:path';
import { z } from 'zod';
import { goTime } from '../../archive/go-json';
import {
  emptyMetadata,
  publicMetadata,
  serializeMetadata,
  type JujuMetadata,
} from '../../archive/metadata';
import { metadataShapeFor, metadataShapeOf } from '../../archive/metadata-shape';
import { composeRope, type Rope } from '../../archive/rope';
import { readRope, writeRope } from '../../archive/rope-file';
import { isMissing, syncDirectory } from '../../config/durable-file';
import { readJujuFacts, type JujuFacts } from '../../controller/juju-facts';
import { backupStarted } from '../../core/ids';
import type { BackupInput } from '../../core/messages';
import type { OperationRef } from '../../core/operation';
import type { ActivityDependencies } from '../dependencies';
import { connectAgent } from '../mongo-access';
import { enterJournaled } from '../operation';
import type { Attempt } from '../step';
import { claimEpoch } from '../workspace/epoch';
import { StepResult } from '../workspace/step-result';
import { archiveSources } from './archive-sources';
import { finishedBundle } from './bundle-files';
import { finishedDump } from './dump-database';
import { ropePath } from './rope-files';
import { planCompressor } from './plan-compressor';

/** What the MANIFEST will say of the controller; nothing secret. */
export const describedController = new StepResult(
  'compose',
  z.object({
    controllerName: z.string(),
    controllerUuid: z.string(),
    /** How many hosts the controller has; the files of the others are not in this backup. */
    hosts: z.number(),
    metadata: z.record(z.string(), z.union([z.string(), z.number()])),
  }),
);

/**
 * Composes the archive: an ordered list of gzip members that exist already, frozen in rope.json
 * before the first byte is stored.
 *
 * Side effect: rope.json and a file of literals in the run directory. Idempotency key: the run id;
 * a frozen rope is never composed again. Checkpoint: none, it takes seconds. Compensation:
 * undoBackup.
 * @throws HoldfastError HF-ARCHIVE-004, HF-HOST-005
 */
export async function composeArchive(
  dependencies: ActivityDependencies,
  attempt: Attempt,
  ref: OperationRef,
  input: BackupInput,
): Promise<{ size: number }> {
  const { directory } = await enterJournaled(dependencies, ref);
  const frozen = await findRope(directory);
  if (frozen !== undefined) return { size: frozen.size };
  const { signal } = attempt;
  const dump = await finishedDump.read(directory);
  const bundle = await finishedBundle.read(directory);
  const client = await connectAgent(dependencies, {
    purpose: 'compose',
    direct: true,
    signal,
    directory,
  });
  let facts: JujuFacts;
  try {
    facts = await readJujuFacts(client, ref.host.machine, signal);
  } finally {
    await client.close();
  }
  const shape =
    input.metadataFormat === undefined
      ? metadataShapeFor(facts.jujuVersion)
      : metadataShapeOf(input.metadataFormat, facts.jujuVersion);
  const started = backupStarted(ref.backupId);
  const metadata = metadataOf(facts, input, started, dependencies.environment.hostname);
  const epoch = await claimEpoch(directory, 'compose');
  const compressor = planCompressor(ref.plan, attempt);
  let rope: Rope;
  try {
    rope = await composeRope(
      archiveSources({
        metadata: serializeMetadata(shape, metadata),
        dump,
        bundle,
        mtime: Math.floor(started.getTime() / 1000),
      }),
      {
        runDirectory: directory,
        literalsFile: relative(directory, epoch.own('literals')),
        compressor,
        signal,
      },
    );
  } finally {
    await compressor.close();
  }
  await epoch.check();
  await describedController.write(directory, {
    controllerName: facts.controllerName ?? '',
    controllerUuid: facts.controllerUuid,
    hosts: facts.haNodes,
    metadata: publicMetadata(shape, metadata),
  });
  const own = epoch.own('rope', '.json');
  await writeRope(own, rope);
  await rename(own, ropePath(directory));
  await syncDirectory(directory);
  return { size: rope.size };
}

async function findRope(directory: string): Promise<{ size: number } | undefined> {
  try {
    return await readRope(ropePath(directory));
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function metadataOf(
  facts: JujuFacts,
  input: BackupInput,
  started: Date,
  hostname: string,
): JujuMetadata {
  return emptyMetadata({
    started: goTime(started),
    notes: input.notes,
    modelUuid: facts.modelUuid,
    machine: facts.machineId,
    hostname,
    version: facts.jujuVersion,
    series: facts.series ?? '',
    base: facts.base ?? '',
    controllerUuid: facts.controllerUuid,
    haNodes: facts.haNodes,
    controllerMachineId: facts.machineId,
    controllerMachineInstanceId: facts.instanceId ?? '',
    caCert: facts.caCert ?? '',
    caPrivateKey: facts.caPrivateKey?.reveal() ?? '',
  });
}
