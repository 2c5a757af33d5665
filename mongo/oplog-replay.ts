import type { MongoClient } from 'mongodb';
import { errorText, HoldfastError } from '../core/errors';
import { sameNames, type NamespaceMap } from '../core/namespace-selection';
import { compareMoments, type OplogMoment } from '../core/oplog-limit';
import { OperationBatch } from './apply-ops';
import { BsonFrameError, rawId } from './bson-frames';
import { cappedHeads } from './capped-heads';
import { explained } from './errors';
import { MissingUpdates } from './missing-updates';
import { isDumpedCollection, isIncludedDatabase, seriesOf, splitNamespace } from './namespaces';
import { commandOf, notReplayable, OplogUnfolder, type OplogOperation } from './oplog-unfold';
import { readEntryHead } from './oplog-window';
import { rawDocuments } from './raw-stream';
import { ReplayCatalog } from './replay-catalog';
import { ReplayCommands } from './replay-commands';
import type { StagedCollection, StagePlan } from './stage-plan';

/** What a replay needs. */
export interface ReplayOptions {
  /** Connected as the attempt's user, following the primary. */
  readonly client: MongoClient;
  readonly runId: string;
  /** The plan that the load followed, never one that a replay gave. */
  readonly plan: StagePlan;
  /** Content of oplog.bson from its first byte; chunks may end anywhere. Called more than once. */
  readonly read: (signal: AbortSignal) => AsyncIterable<Buffer>;
  readonly signal: AbortSignal;
  /** Which namespaces of the oplog are replayed and under which names the plan has them; all, and their own, by default. */
  readonly names?: NamespaceMap;
  /** The first moment that is not replayed any more. */
  readonly until?: OplogMoment;
  /** Told after every group of entries, for heartbeats. */
  readonly onProgress?: (progress: { entries: number }) => void;
}

/** Operations on one staged collection, as bounds for its count of documents. */
export interface StageChanges {
  readonly inserts: number;
  readonly deletes: number;
  readonly updates: number;
}

/** Outcome of a replay. */
export interface ReplayResult {
  /** The plan as the window left it: collections made and dropped, indexes, options, views. */
  readonly plan: StagePlan;
  /** Entries read. */
  readonly entries: number;
  /** What the window did to the documents of each staged collection, by its number. */
  readonly changes: Readonly<Record<string, StageChanges>>;
}

class Replay {
  readonly #unfolder = new OplogUnfolder();
  readonly #missing = new MissingUpdates();
  readonly #catalog: ReplayCatalog;
  readonly #batch: OperationBatch;
  readonly #commands: ReplayCommands;
  readonly #changes = new Map<number, { inserts: number; deletes: number; updates: number }>();
  /** Capped stages, by number, and the `_id` of the first insert that matters to them. */
  readonly #skipUntil: Map<number, Buffer>;
  readonly #names: NamespaceMap;

  constructor(options: ReplayOptions, skipUntil: Map<number, Buffer>) {
    const { client, runId, plan, names = sameNames, signal } = options;
    this.#names = names;
    this.#catalog = new ReplayCatalog(plan, names);
    this.#batch = new OperationBatch(client, this.#missing, signal);
    this.#commands = new ReplayCommands({
      client,
      runId,
      catalog: this.#catalog,
      missing: this.#missing,
      names,
    });
    this.#skipUntil = skipUntil;
  }

  async entry(raw: Buffer): Promise<void> {
    for (const operation of this.#unfolder.unfold(raw)) await this.#operation(operation);
  }

  /** Sends what is held: what comes now is only asked what it would have deleted. */
  async stop(): Promise<void> {
    await this.#batch.flush();
  }

  /**
   * An entry behind the limit. A dump that was taken while it was written lacks what this deletes,
   * though updates before the limit look for it.
   */
  beyond(raw: Buffer): void {
    for (const { op, namespace, o } of this.#unfolder.unfold(raw)) {
      const id = op === 'd' ? rawId(o) : undefined;
      if (id !== undefined) this.#missing.deleted(namespace, id);
      if (op !== 'c') continue;
      const { command, target } = commandOf(o);
      const { database } = splitNamespace(namespace);
      if (command === 'drop') this.#missing.dropped(`${database}.${target}`);
      if (command !== 'dropDatabase') continue;
      for (const name of this.#missing.namespacesOf(database)) this.#missing.dropped(name);
    }
  }

  async finish(entries: number): Promise<ReplayResult> {
    await this.#batch.flush();
    this.#missing.finish();
    return {
      plan: this.#catalog.plan(),
      entries,
      changes: Object.fromEntries(this.#changes),
    };
  }

  async #operation(operation: OplogOperation): Promise<void> {
    const source = seriesOf(operation.namespace);
    const { database, collection } = splitNamespace(source);
    if (operation.op === 'c') {
      if (!this.#commands.concerns(operation)) return;
      await this.#batch.flush();
      await this.#commands.apply(operation);
      return;
    }
    if (collection === 'system.views') return this.#view(operation, database);
    if (!isDumpedCollection(database, collection)) return;
    const target = this.#names.target(source);
    if (target !== undefined) await this.#document(operation, target);
  }

  async #document(operation: OplogOperation, target: string): Promise<void> {
    const { op, namespace, o } = operation;
    const stage = this.#catalog.stage(target);
    if (stage === undefined) {
      this.#missing.unknown(namespace);
      return;
    }
    const until = this.#skipUntil.get(stage.n);
    if (until !== undefined) {
      if (op !== 'i' || rawId(o)?.equals(until) !== true) return;
      this.#skipUntil.delete(stage.n);
    }
    const changes = this.#changes.get(stage.n) ?? { inserts: 0, deletes: 0, updates: 0 };
    this.#changes.set(stage.n, changes);
    if (op === 'i') changes.inserts++;
    else if (op === 'd') changes.deletes++;
    else changes.updates++;
    await this.#batch.add(operation, stage);
  }

  #view({ op, o, position }: OplogOperation, database: string): void {
    if (!isIncludedDatabase(database)) return;
    if (op === 'd') this.#catalog.dropView(o);
    else if (rawId(o) !== undefined) this.#catalog.setView(o);
    else throw notReplayable(position, op, 'a view was changed in a way that is not known');
  }
}

function isBeyond(raw: Buffer, until: OplogMoment | undefined): boolean {
  return until !== undefined && compareMoments(readEntryHead(raw).opTime.ts, until) >= 0;
}

/** A unique index built by an earlier attempt would refuse states that the window goes through again. */
async function dropIndexes(
  client: MongoClient,
  { database, stage }: StagedCollection,
): Promise<void> {
  await explained(client, 'dropIndexes', `${database}.${stage}`, () =>
    client.db(database).command({ dropIndexes: stage, index: '*' }),
  );
}

/**
 * Replays the oplog window of a dump onto the stages, documents byte for byte: many operations to a
 * command, on the stages' names, each command majority committed. Collections that the window creates
 * become stages of their own, those that it drops stay behind as stages that are never swapped in;
 * indexes and views only change in the plan. Begins with the first entry always, so after a kill it is
 * called again with the same plan and ends the same.
 *
 * @throws HoldfastError HF-REPLAY-001 for an entry that can't be replayed, HF-REPLAY-002 when an update
 * met no document that is deleted later, HF-SWAP-003 when the window makes a time series whose name is
 * taken, HF-LOAD-004 when mongod refuses the options of what it makes, HF-ARCHIVE-001 when the oplog is damaged, HF-MONGO-001, -004,
 * -005; the signal's reason when it is aborted
 */
export async function replayOplog(options: ReplayOptions): Promise<ReplayResult> {
  const { client, read, signal, until, onProgress } = options;
  return explained(client, 'applyOps', 'admin', async () => {
    try {
      const replay = new Replay(options, await cappedHeads(options));
      for (const collection of options.plan.collections) await dropIndexes(client, collection);
      let entries = 0;
      let stopped = false;
      for await (const group of rawDocuments(read(signal))) {
        signal.throwIfAborted();
        for (const raw of group) {
          if (!stopped && isBeyond(raw, until)) {
            stopped = true;
            await replay.stop();
          }
          if (stopped) replay.beyond(raw);
          else {
            await replay.entry(raw);
            entries++;
          }
        }
        onProgress?.({ entries });
      }
      return await replay.finish(entries);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof BsonFrameError)) throw error;
      throw new HoldfastError(
        'HF-ARCHIVE-001',
        { archive: 'the dump', where: 'oplog.bson', reason: errorText(error) },
        { cause: error },
      );
    }
  });
}
