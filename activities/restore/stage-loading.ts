import pLimit from 'p-limit';
import { sameNames } from '../../core/namespace-selection';
import type { OperationRef } from '../../core/operation';
import { createAttemptUser, dropAttemptUsers } from '../../mongo/attempt-user';
import { buildIndexes } from '../../mongo/build-indexes';
import { connectMongo } from '../../mongo/connection';
import { loadCollection, type LoadCounts } from '../../mongo/load-collection';
import { listServer } from '../../mongo/server-listing';
import { replayOplog, type ReplayResult } from '../../mongo/oplog-replay';
import type { StagePlan } from '../../mongo/stage-plan';
import { proveStage } from '../../mongo/stage-proof';
import { windowTouch } from '../../mongo/window-touch';
import type { ActivityDependencies } from '../dependencies';
import type { Attempt } from '../step';
import type { LoadSummary } from '../steps';
import { claimEpoch } from '../workspace/epoch';
import { openForRestore } from './restore-access';
import { stagePlanSchema } from './stage-plan-schema';
import { loadResult, type loadResultOf, stagePlanOf } from './stage-results';
import type { StageSource } from './stage-source';
import type { MongoClient } from 'mongodb';

/** Whose load it is, and where its results are kept. */
export interface LoadScope {
  /** Of the progress documents. */
  readonly runId: string;
  readonly plan: ReturnType<typeof stagePlanOf>;
  readonly result: ReturnType<typeof loadResultOf>;
}

/**
 * Loads a source into stages, as one attempt of a step: collections, oplog window, indexes, and the
 * proof that they are what the source holds. What an attempt before has done stays done.
 *
 * @throws HoldfastError HF-LOAD-001, -002, -003, -004, HF-SWAP-003, HF-REPLAY-001, -002, HF-FENCE-001
 */
export async function loadStages(
  dependencies: ActivityDependencies,
  attempt: Attempt,
  ref: OperationRef,
  directory: string,
  open: () => Promise<StageSource>,
  scope: LoadScope = { runId: ref.runId, plan: stagePlanOf('stage-plan'), result: loadResult },
): Promise<LoadSummary> {
  const { signal, progress } = attempt;
  const done = await scope.result.find(directory);
  if (done !== undefined) return summary(done);
  const source = await open();
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
      const plan = await planOf(directory, scope, agent.client, source);
      const loading = new StageLoading(dependencies, attempt, scope, client, source);
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
      await scope.result.write(directory, result);
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
  scope: LoadScope,
  agent: MongoClient,
  source: StageSource,
): Promise<StagePlan> {
  const known = await scope.plan.find(directory);
  if (known !== undefined) return known;
  const plan = source.plan(source.collections, await listServer(agent));
  await scope.plan.write(directory, stagePlanSchema.parse(plan));
  return plan;
}

/** The data's way from its source into the stage, for one attempt. */
class StageLoading {
  constructor(
    private readonly dependencies: ActivityDependencies,
    private readonly attempt: Attempt,
    private readonly scope: LoadScope,
    private readonly client: MongoClient,
    private readonly source: StageSource,
  ) {}

  /** Loads every collection, the largest first; what each load counted, by the stage's number. */
  async load(plan: StagePlan): Promise<Record<string, LoadCounts>> {
    const { progress, signal } = this.attempt;
    const names = this.source.oplog?.names ?? sameNames;
    const touched = windowTouch((readSignal) => this.#oplog(readSignal), signal, names);
    const loaded = new Map<number, { readonly bytes: number; readonly documents: number }>();
    const counts: Record<string, LoadCounts> = {};
    progress.phase(
      'loading',
      'bytes',
      this.source.collections.reduce((sum, c) => sum + c.bytes, 0),
    );
    const limit = pLimit(Math.max(1, Math.min(2, this.dependencies.config.limits.parallel)));
    const largestFirst = [...plan.collections].sort((a, b) => b.bytes - a.bytes);
    await allOrFirstFailure(
      largestFirst.map((collection) =>
        limit(async () => {
          signal.throwIfAborted();
          counts[collection.n] = await loadCollection({
            client: this.client,
            runId: this.scope.runId,
            collection,
            read: (from, readSignal) =>
              this.#slowly(this.source.read(collection, from, readSignal)),
            isTouchedInWindow: touched,
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
    const { oplog } = this.source;
    if (oplog === undefined) return { plan, entries: 0, changes: {} };
    progress.phase('replaying the oplog', 'entries', oplog.entries);
    return await replayOplog({
      client: this.client,
      runId: this.scope.runId,
      plan,
      read: (readSignal) => this.#slowly(this.#oplog(readSignal)),
      signal,
      names: oplog.names,
      ...(oplog.until === undefined ? {} : { until: oplog.until }),
      onProgress: ({ entries }) => progress.advance(entries),
    });
  }

  /** What is read from the source here is written to mongod. */
  #slowly(content: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
    return this.attempt.pace.write.through(content);
  }

  #oplog(signal: AbortSignal): AsyncIterable<Buffer> {
    return this.source.oplog?.read(signal) ?? nothing();
  }
}

/** No content. */
export async function* nothing(): AsyncGenerator<Buffer> {}

/** Waits for all, then throws the first failure: no load goes on behind a step that has failed. */
async function allOrFirstFailure(work: readonly Promise<void>[]): Promise<void> {
  const settled = await Promise.allSettled(work);
  for (const each of settled) if (each.status === 'rejected') throw each.reason;
}
