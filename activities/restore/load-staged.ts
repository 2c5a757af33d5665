import pLimit from 'p-limit';
import { z } from 'zod';
import type { OperationRef } from '../../core/operation';
import { createAttemptUser, dropAttemptUsers } from '../../mongo/attempt-user';
import { buildIndexes } from '../../mongo/build-indexes';
import { connectMongo } from '../../mongo/connection';
import { loadCollection, type LoadCounts } from '../../mongo/load-collection';
import { listServer } from '../../mongo/server-listing';
import { replayOplog, type ReplayResult } from '../../mongo/oplog-replay';
import { makeStagePlan, type StagePlan } from '../../mongo/stage-plan';
import { proveStage } from '../../mongo/stage-proof';
import { windowTouch } from '../../mongo/window-touch';
import type { ActivityDependencies } from '../dependencies';
import { enterJournaled } from '../operation';
import type { Attempt } from '../step';
import type { LoadSummary } from '../steps';
import { claimEpoch } from '../workspace/epoch';
import { StepResult } from '../workspace/step-result';
import { readArchivedDump, type ArchivedDump } from './dumped-collections';
import { LocalArchive } from './local-archive';
import { openForRestore } from './restore-access';
import { stagePlanSchema } from './stage-plan-schema';
import type { MongoClient } from 'mongodb';

/** Where each collection is staged: decided by the first attempt, kept by the others. */
export const stagePlan = new StepResult('stage-plan', stagePlanSchema);

/** The plan as the oplog window left it, and what was loaded. */
export const loadResult = new StepResult(
  'load',
  z.object({
    plan: stagePlanSchema,
    collections: z.number(),
    documents: z.number(),
    oplogEntries: z.number(),
  }),
);

/**
 * Loads the data beside the live data while the agents run: collections, oplog window, indexes,
 * and the proof that it is what the archive holds.
 *
 * Side effect: `hf-stage.*` collections, `holdfast.progress`, a user for this attempt. Idempotency
 * key: run id and epoch; the next attempt drops this one's user first, so it cannot go on writing.
 * Checkpoint: progress documents, majority committed. Compensation: undoRestore. Timeouts: the
 * heartbeat, which stops when no batch is acknowledged.
 * @throws HoldfastError HF-LOAD-001, -002, HF-REPLAY-001, -002, HF-FENCE-001
 */
export async function loadStaged(
  dependencies: ActivityDependencies,
  attempt: Attempt,
  ref: OperationRef,
): Promise<LoadSummary> {
  const { directory } = await enterJournaled(dependencies, ref);
  const { signal, progress } = attempt;
  const done = await loadResult.find(directory);
  if (done !== undefined) return summary(done);
  const archive = await LocalArchive.open(directory);
  const dump = await readArchivedDump(archive, signal);
  const epoch = await claimEpoch(directory, 'load');
  const agent = await openForRestore(dependencies, attempt, directory, 'load-agent');
  try {
    const user = await createAttemptUser(agent.client, ref.runId, epoch.number);
    await epoch.check();
    const client = await connectMongo(
      { ...agent.target, username: user.username, password: user.password, authSource: 'admin' },
      { appName: `holdfast-load-${epoch.number}`, direct: false, signal },
    );
    try {
      const plan = await planOf(directory, agent.client, dump);
      const loading = new StageLoading(dependencies, attempt, ref, client, archive, dump);
      const loaded = await loading.load(plan);
      const replayed = await loading.replay(plan);
      progress.phase('building indexes', 'entries');
      await progress.during(
        buildIndexes({
          client,
          plan: replayed.plan,
          signal,
          onProgress: ({ done: built, total }) => {
            progress.expect(total);
            progress.advance(built);
          },
        }),
      );
      progress.phase('proving', 'documents');
      const proven = await progress.during(
        proveStage({ client, plan: replayed.plan, loaded, changes: replayed.changes, signal }),
      );
      await epoch.check();
      const result = {
        plan: stagePlanSchema.parse(replayed.plan),
        collections: proven.collections,
        documents: proven.documents,
        oplogEntries: replayed.entries,
      };
      await loadResult.write(directory, result);
      await dropAttemptUsers(agent.client, ref.runId);
      return summary(result);
    } finally {
      await client.close();
    }
  } finally {
    await agent.client.close();
  }
}

function summary(result: LoadSummary): LoadSummary {
  const { collections, documents, oplogEntries } = result;
  return { collections, documents, oplogEntries };
}

async function planOf(
  directory: string,
  agent: MongoClient,
  dump: ArchivedDump,
): Promise<StagePlan> {
  const known = await stagePlan.find(directory);
  if (known !== undefined) return known;
  const plan = makeStagePlan(dump.collections, await listServer(agent));
  await stagePlan.write(directory, stagePlanSchema.parse(plan));
  return plan;
}

/** The data's way from the archive into the stage, for one attempt. */
class StageLoading {
  constructor(
    private readonly dependencies: ActivityDependencies,
    private readonly attempt: Attempt,
    private readonly ref: OperationRef,
    private readonly client: MongoClient,
    private readonly archive: LocalArchive,
    private readonly dump: ArchivedDump,
  ) {}

  /** Loads every collection, the largest first; what each load counted, by the stage's number. */
  async load(plan: StagePlan): Promise<Record<string, LoadCounts>> {
    const { progress, signal } = this.attempt;
    const isTouchedInWindow = windowTouch((readSignal) => this.#oplog(readSignal), signal);
    const loaded = new Map<number, { readonly bytes: number; readonly documents: number }>();
    const counts: Record<string, LoadCounts> = {};
    progress.phase(
      'loading',
      'bytes',
      this.dump.collections.reduce((sum, c) => sum + c.bytes, 0),
    );
    const limit = pLimit(Math.max(1, Math.min(2, this.dependencies.config.limits.parallel)));
    const largestFirst = [...plan.collections].sort((a, b) => b.bytes - a.bytes);
    await allOrFirstFailure(
      largestFirst.map((collection) =>
        limit(async () => {
          signal.throwIfAborted();
          const entry = this.dump.collections.find(
            ({ database, name }) => database === collection.database && name === collection.name,
          );
          counts[collection.n] = await loadCollection({
            client: this.client,
            runId: this.ref.runId,
            collection,
            read: (from, readSignal) =>
              entry?.data === undefined
                ? nothing()
                : this.#slowly(this.archive.content(entry.data, from, readSignal)),
            isTouchedInWindow,
            now: () => this.dependencies.environment.now(),
            signal,
            onProgress: (reached) => {
              loaded.set(collection.n, reached);
              let [bytes, documents] = [0, 0];
              for (const each of loaded.values()) {
                bytes += each.bytes;
                documents += each.documents;
              }
              progress.advance(bytes, `${collection.database}.${collection.name}`, documents);
            },
          });
        }),
      ),
    );
    return counts;
  }

  async replay(plan: StagePlan): Promise<ReplayResult> {
    const { progress, signal } = this.attempt;
    if (this.dump.oplog === undefined) return { plan, entries: 0, changes: {} };
    progress.phase('replaying the oplog', 'entries', this.dump.oplog.documents);
    return await replayOplog({
      client: this.client,
      plan,
      read: (readSignal) => this.#slowly(this.#oplog(readSignal)),
      signal,
      onProgress: ({ entries }) => progress.advance(entries),
    });
  }

  /** What is read from the archive here is written to mongod. */
  #slowly(content: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
    return this.attempt.pace.write.through(content);
  }

  #oplog(signal: AbortSignal): AsyncIterable<Buffer> {
    return this.dump.oplog === undefined
      ? nothing()
      : this.archive.content(this.dump.oplog, 0, signal);
  }
}

async function* nothing(): AsyncGenerator<Buffer> {}

/** Waits for all, then throws the first failure: no load goes on behind a step that has failed. */
async function allOrFirstFailure(work: readonly Promise<void>[]): Promise<void> {
  const settled = await Promise.allSettled(work);
  for (const each of settled) if (each.status === 'rejected') throw each.reason;
}
