import type { MongoClient } from 'mongodb';
import { HoldfastError } from '../core/errors';
import { findElement, stringValue } from './bson-frames';
import { listIndexes } from './collections';
import { explained } from './errors';
import type { LoadCounts } from './load-collection';
import type { StageChanges } from './oplog-replay';
import { isIdIndex, parkedSpec } from './planned-index';
import { listServer, type ServerCollection } from './server-listing';
import { indexDifference, optionDifference, type SpecDifference } from './spec-compare';
import { fromPlan, type StagedCollection, type StagePlan } from './stage-plan';
import { bucketsOf, seriesOptions } from './time-series';

export interface ProofOptions {
  /** Connected as the attempt's user. */
  readonly client: MongoClient;
  /** The plan that the replay gave, or the first one when there was no oplog. */
  readonly plan: StagePlan;
  /** What each load gave, by the stage's number. */
  readonly loaded: Readonly<Record<string, LoadCounts>>;
  /** What the replay did, by the stage's number. */
  readonly changes: Readonly<Record<string, StageChanges>>;
  readonly signal: AbortSignal;
}

function different(
  { database, name }: StagedCollection,
  { what, found, expected }: SpecDifference,
): HoldfastError {
  return new HoldfastError('HF-LOAD-003', {
    namespace: `${database}.${name}`,
    what,
    found,
    expected,
  });
}

/** How many documents a stage may hold after load and replay. */
function bounds(
  collection: StagedCollection,
  loaded: LoadCounts | undefined,
  changes: StageChanges | undefined,
): { least: number; most: number } {
  const { documents, duplicates } = loaded ?? { documents: 0, duplicates: 0 };
  const all = documents + duplicates;
  if (changes === undefined) return { least: all, most: all };
  const { inserts, deletes } = changes;
  // A capped collection pushes out its oldest documents by itself.
  if (collection.capped) return { least: Math.min(1, all + inserts), most: all + inserts };
  const sure = collection.fromWindow ? inserts : documents;
  return { least: Math.max(0, sure - deletes), most: all + inserts };
}

async function proveCount(options: ProofOptions, collection: StagedCollection): Promise<number> {
  const { client, loaded, changes, signal } = options;
  const { database, name, stage, n } = collection;
  const found = await explained(client, 'count', `${database}.${stage}`, () =>
    client.db(database).collection(stage).countDocuments({}, { signal }),
  );
  const { least, most } = bounds(collection, loaded[n], changes[n]);
  if (found >= least && found <= most) return found;
  const expected = least === most ? least : `${least} to ${most}`;
  throw new HoldfastError('HF-LOAD-001', { namespace: `${database}.${name}`, found, expected });
}

async function proveIndexes(
  client: MongoClient,
  collection: StagedCollection,
  made: ServerCollection,
): Promise<void> {
  const specs = (await listIndexes(client, made)).filter((spec) => !isIdIndex(spec));
  const byName = new Map(specs.map((spec) => [stringValue(spec, findElement(spec, 'name')), spec]));
  for (const index of collection.indexes) {
    const spec = byName.get(index.name);
    byName.delete(index.name);
    const what = `index ${index.name}`;
    if (spec === undefined) {
      throw different(collection, { what, found: 'none', expected: 'one' });
    }
    const difference = indexDifference(parkedSpec(index), spec);
    if (difference === undefined) continue;
    throw different(collection, { ...difference, what: `${what}, ${difference.what}` });
  }
  for (const name of byName.keys()) {
    throw different(collection, { what: `index ${name}`, found: 'one', expected: 'none' });
  }
}

async function hiddenSeries(
  client: MongoClient,
  { database, name }: StagedCollection,
): Promise<ServerCollection | undefined> {
  const buckets = await bucketsOf(client, database, name);
  if (buckets === undefined) return undefined;
  return { database, name, type: 'timeseries', options: seriesOptions(buckets) };
}

/**
 * Proves the stage before anything live is touched: every collection of the plan is there with its
 * options and indexes (TTL indexes still parked) and as many documents as it must have: exactly the
 * backup's where the window changed none, else within what load and replay acknowledged.
 *
 * @throws HoldfastError HF-LOAD-001 for a wrong count, HF-LOAD-003 for a collection, option or index
 * that differs, HF-MONGO-001, -004, -005; the signal's reason
 */
export async function proveStage(
  options: ProofOptions,
): Promise<{ collections: number; documents: number }> {
  const { client, plan, signal } = options;
  const listing = await listServer(client);
  let collections = 0;
  let documents = 0;
  for (const collection of plan.collections.filter(({ dropped }) => !dropped)) {
    signal.throwIfAborted();
    const made = collection.series
      ? await hiddenSeries(client, collection)
      : listing.find(
          ({ database, name }) => database === collection.database && name === collection.stage,
        );
    if (made === undefined) {
      throw different(collection, { what: 'its stage', found: 'none', expected: collection.stage });
    }
    const difference = optionDifference(fromPlan(collection.options), made.options);
    if (difference !== undefined) throw different(collection, difference);
    await proveIndexes(client, collection, made);
    documents += await proveCount(options, collection);
    collections++;
  }
  return { collections, documents };
}
