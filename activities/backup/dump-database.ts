import { z } from 'zod';
import { MemberBuffers } from '../../archive/member-buffers';
import type { LimitsConfig } from '../../config/holdfast-config';
import type { OperationRef } from '../../core/operation';
import { dumpServer, type DumpResult } from '../../mongo/dump';
import type { ActivityDependencies } from '../dependencies';
import { requireSpace } from '../disk-space';
import { enterJournaled } from '../operation';
import type { Attempt } from '../step';
import type { DumpSummary } from '../steps';
import { readCheckpoint } from '../workspace/checkpoint';
import { claimEpoch } from '../workspace/epoch';
import { StepResult } from '../workspace/step-result';
import {
  dumpCheckpointSchema,
  opTimeSchema,
  resumeOf,
  streamSchema,
  type StreamState,
} from './dump-checkpoint';
import { DumpSpool } from './dump-spool';
import { openDumpMember } from './open-dump-member';
import { pacedSink } from './paced-sink';
import { planCompressor } from './plan-compressor';

/** Most bytes asked for at once: above that nothing gets faster. */
const mostBatchBytes = 4 * 1024 * 1024;
/** Share of a member that a batch is asked to have: with what is around its documents it still fits. */
const batchShare = 0.9;

const dumpSchema = z.object({
  collections: z.array(
    z.object({
      database: z.string(),
      name: z.string(),
      type: z.enum(['collection', 'view', 'timeseries']),
      metadataJson: z.string(),
      metadataFile: z.string(),
      data: z.object({ file: z.string(), stream: z.string() }).optional(),
      documents: z.number(),
      bytes: z.number(),
    }),
  ),
  window: z.object({
    start: opTimeSchema,
    end: opTimeSchema,
    entries: z.number(),
    bytes: z.number(),
    firstEntrySha256: z.string(),
  }),
  node: z.string(),
  dataIdentity: z.string(),
  version: z.string(),
  fcv: z.string(),
  replicaSet: z.string(),
  replicaSetId: z.string(),
  /** Raw BSON, base64. */
  users: z.string(),
  roles: z.string(),
  restarts: z.number(),
  streams: z.array(streamSchema),
});

/** What the dump left for the steps after it. */
export type FinishedDump = z.infer<typeof dumpSchema>;

export const finishedDump = new StepResult('dump', dumpSchema);

/**
 * Dumps every collection and the oplog window of one member, in one pass from cursor to spool.
 *
 * Side effect: segments and checkpoints in the run directory. Idempotency key: the run id.
 * Checkpoint: gzip members, resume tokens and the oplog's last entry, every member's worth; an attempt
 * writes only files of its own epoch. Compensation: undoBackup. Timeouts: the heartbeat.
 * @throws HoldfastError HF-DUMP-001, HF-DUMP-002, HF-MONGO-*, HF-DISK-001, HF-FENCE-001
 */
export async function dumpDatabase(
  dependencies: ActivityDependencies,
  attempt: Attempt,
  ref: OperationRef,
): Promise<DumpSummary> {
  const { directory } = await enterJournaled(dependencies, ref);
  const done = await finishedDump.find(directory);
  if (done !== undefined) return summarize(done);
  const { signal, progress, pace } = attempt;
  const { limits } = dependencies.config;
  const epoch = await claimEpoch(directory, 'dump');
  const older = await readCheckpoint(epoch, dumpCheckpointSchema);
  const resume = resumeOf(older);
  const compressor = planCompressor(ref.plan, attempt);
  const spool = await DumpSpool.create({
    epoch,
    runDirectory: directory,
    compressor,
    buffers: dumpBuffers(limits, ref.plan.memberSize),
    checkpointEvery: ref.plan.memberSize,
    onReset: (reason) => attempt.warn('the dump starts again', { reason }),
    onCheckpoint: () => requireSpace(directory, 0, 'the dump', limits.freeSpace),
    binding: resume?.binding,
    streams: older?.streams ?? [],
    restarts: older?.restarts ?? 0,
  });
  try {
    const bound = resume?.binding.node;
    const client = await openDumpMember(dependencies, attempt, { directory, bound });
    try {
      const result = await dumpServer(client, pacedSink(spool, pace.read), {
        ...(resume === undefined ? {} : { resume }),
        parallel: limits.parallel,
        batchBytes: Math.min(
          mostBatchBytes,
          Math.floor(ref.plan.memberSize * batchShare),
          pace.read.piece(limits.parallel),
        ),
        signal,
        onProgress: ({ bytes, totalBytes, documents, current }) => {
          progress.expect(Math.max(bytes, totalBytes));
          progress.advance(bytes, current, documents);
        },
      });
      const finished = finish(result, await spool.complete(), spool.restarts);
      await epoch.check();
      await finishedDump.write(directory, finished);
      return summarize(finished);
    } finally {
      await client.close();
    }
  } finally {
    await spool.close();
    await compressor.close();
  }
}

/** Every stream gathers in a buffer of its own, while at least three others are compressed. */
function dumpBuffers(limits: LimitsConfig, memberSize: number): MemberBuffers {
  const least = limits.parallel + 1 + 3;
  return new MemberBuffers(Math.max(least, Math.floor(limits.buffers / memberSize)), memberSize);
}

function finish(
  result: DumpResult,
  streams: readonly StreamState[],
  restarts: number,
): FinishedDump {
  const { window, node, dataIdentity, version, fcv, replicaSet, replicaSetId } = result;
  return {
    collections: result.collections.map((collection) => ({
      database: collection.database,
      name: collection.name,
      type: collection.type,
      metadataJson: collection.metadataJson.toString('utf8'),
      metadataFile: collection.metadataFile,
      ...(collection.data === undefined ? {} : { data: { ...collection.data } }),
      documents: collection.documents,
      bytes: collection.bytes,
    })),
    window: { ...window, start: { ...window.start }, end: { ...window.end } },
    node,
    dataIdentity,
    version,
    fcv,
    replicaSet,
    replicaSetId,
    users: result.users.toString('base64'),
    roles: result.roles.toString('base64'),
    restarts,
    streams: streams.map(({ name, done, members }) => ({ name, done, members: [...members] })),
  };
}

function summarize(dump: FinishedDump): DumpSummary {
  return {
    collections: dump.collections.length,
    node: dump.node,
    documents: dump.collections.reduce((sum, { documents }) => sum + documents, 0),
    bytes: dump.collections.reduce((sum, { bytes }) => sum + bytes, dump.window.bytes),
    oplogEntries: dump.window.entries,
    ...(dump.restarts === 0 ? {} : { restarts: dump.restarts }),
  };
}
