import type { MongoClient } from 'mongodb';
import pLimit from 'p-limit';
import { errorText, HoldfastError } from '../core/errors';
import { bsonType } from './bson-frames';
import { isRefusal } from './create-collection';
import { explained, serverCode } from './errors';
import { parkedSpec } from './planned-index';
import { rawField } from './raw-command';
import { rawArray } from './raw-document';
import type { StagedCollection, StagePlan } from './stage-plan';

export interface BuildOptions {
  /** Connected as the attempt's user. */
  readonly client: MongoClient;
  /** The plan that the replay gave. */
  readonly plan: StagePlan;
  readonly signal: AbortSignal;
  /** Collections whose indexes are built at once: 2 by default. */
  readonly concurrency?: number;
  /** Told after every collection. */
  readonly onProgress?: (progress: { done: number; total: number }) => void;
}

/**
 * commitQuorum: mongod's default waits for every voting member, a dead one too. Options that mongod
 * doesn't know come from older servers and are left out, as mongorestore does.
 */
async function build(
  client: MongoClient,
  collection: StagedCollection,
  signal: AbortSignal,
): Promise<void> {
  const { database, name, stage, series, indexes } = collection;
  const namespace = `${database}.${name}`;
  await explained(client, 'createIndexes', namespace, async () => {
    try {
      await client.db(database).command(
        {
          // mongod turns a series' index into one of its buckets, hidden as they are.
          createIndexes: series ? name : stage,
          ...rawField('indexes', bsonType.array, rawArray(indexes.map(parkedSpec))),
          ignoreUnknownIndexOptions: true,
          commitQuorum: 'majority',
          writeConcern: { w: 'majority', wtimeout: 3_600_000 },
        },
        { signal },
      );
    } catch (error) {
      if (!isRefusal(error)) throw error;
      const params = { namespace, code: serverCode(error) ?? 'ok', reason: errorText(error) };
      throw new HoldfastError('HF-LOAD-005', params, { cause: error });
    }
  });
}

/**
 * Builds the planned indexes of every stage, one command a collection, TTL indexes with
 * `parkedTtlSeconds`. An index that is there already is fine, so it can be called again after a kill.
 *
 * @throws HoldfastError HF-LOAD-005 when mongod refuses one, HF-MONGO-001, -004, -005; the signal's reason
 */
export async function buildIndexes(options: BuildOptions): Promise<void> {
  const { client, plan, signal, onProgress } = options;
  const limit = pLimit(options.concurrency ?? 2);
  const wanted = plan.collections.filter(({ dropped, indexes }) => !dropped && indexes.length > 0);
  let done = 0;
  try {
    await Promise.all(
      wanted.map((collection) =>
        limit(async () => {
          signal.throwIfAborted();
          await build(client, collection, signal);
          done++;
          onProgress?.({ done, total: wanted.length });
        }),
      ),
    );
  } finally {
    limit.clearQueue();
  }
}
