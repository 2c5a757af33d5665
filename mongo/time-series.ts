import type { MongoClient } from 'mongodb';
import { HoldfastError } from '../core/errors';
import { bsonType, elementValue, findElement, frames } from './bson-frames';
import { createCollection, dropCollection, rawFields } from './create-collection';
import { knownStages, noProgress, writeProgress } from './load-progress';
import { bucketsPrefix, splitNamespace } from './namespaces';
import { listedUuid } from './node-identity';
import { readAll } from './raw-cursor';
import { rawDocument, withoutElements } from './raw-document';
import { listServer } from './server-listing';
import { fromPlan, stageName, type StagedCollection } from './stage-plan';

/** The collection that holds the data of a time series. */
export interface Buckets {
  /** 32 hex digits. */
  readonly uuid: string;
  /** Raw BSON, as mongod made them: the series' own and more. */
  readonly options: Buffer;
}

/** The buckets of a time series, or those that are staged for one; undefined when there are none. */
export async function bucketsOf(
  client: MongoClient,
  database: string,
  series: string,
): Promise<Buckets | undefined> {
  const listing = await readAll(client, {
    database,
    collection: '$cmd.listCollections',
    command: { listCollections: 1, filter: { name: `${bucketsPrefix}${series}` } },
  });
  for (const document of frames(listing)) {
    const uuid = listedUuid(document);
    const options = findElement(document, 'options');
    if (uuid === undefined) continue;
    return {
      uuid,
      options:
        options?.type === bsonType.document
          ? Buffer.from(elementValue(document, options))
          : rawDocument([]),
    };
  }
  return undefined;
}

/** The options of a series as its buckets show them: without what mongod adds, and without seconds that are set later. */
export function seriesOptions(buckets: Buckets): Buffer {
  return withoutElements(buckets.options, ['validator', 'clusteredIndex', 'expireAfterSeconds']);
}

/**
 * What mongod makes of a series' options: those of its buckets. A series of the stage's number is made
 * and dropped for it, so options that mongod refuses are known before anything else is touched.
 *
 * @returns raw BSON
 * @throws HoldfastError HF-LOAD-004 when mongod refuses them, HF-MONGO-001, -004, -005
 */
export async function rehearseSeries(
  client: MongoClient,
  { n, database, name, options }: StagedCollection,
): Promise<Buffer> {
  const probe = stageName(n);
  await dropCollection(client, database, probe);
  const namespace = `${database}.${name}`;
  await createCollection(
    client,
    { database, name: probe },
    rawFields(fromPlan(options)),
    namespace,
  );
  const buckets = await bucketsOf(client, database, probe);
  await dropCollection(client, database, probe);
  if (buckets === undefined) {
    throw new HoldfastError('HF-LOAD-004', {
      namespace,
      code: 'ok',
      reason: 'mongod made a time series without buckets',
    });
  }
  return buckets.options;
}

/**
 * Makes the stage of a time series anew: its buckets, which nobody sees as a series before
 * {@link showSeries}. mongod cannot rename them, so they have their last name at once; a progress
 * document of the run, majority committed before they are made, says whose they are.
 *
 * @throws HoldfastError HF-SWAP-003 when something else has one of its names, HF-LOAD-004 when mongod
 * refuses its options, HF-MONGO-001, -004, -005
 */
export async function createSeriesStage(
  client: MongoClient,
  runId: string,
  collection: StagedCollection,
): Promise<void> {
  const { database, name, stage } = collection;
  const namespace = `${database}.${name}`;
  const known = await knownStages(client, runId);
  const isOurs = known.includes(`${database}.${stage}`);
  const taken = (await listServer(client)).some(
    (one) => one.database === database && one.name === name,
  );
  if (taken || (!isOurs && (await bucketsOf(client, database, name)) !== undefined)) {
    throw new HoldfastError('HF-SWAP-003', { namespace });
  }
  const options = await rehearseSeries(client, collection);
  if (!isOurs) await writeProgress(client, { runId, database, stage }, noProgress);
  await dropCollection(client, database, stage);
  await createCollection(client, { database, name: stage }, rawFields(options), namespace);
}

/**
 * Gives staged buckets their series: from here on everybody sees it. To be called only where it is not
 * shown yet; mongod makes a series around buckets only when they are as its options say.
 *
 * @throws HoldfastError HF-LOAD-004, HF-MONGO-001, -004, -005
 */
export async function showSeries(
  client: MongoClient,
  series: { readonly database: string; readonly name: string; readonly options: string },
): Promise<void> {
  await createCollection(client, series, rawFields(fromPlan(series.options)));
}

/**
 * Drops the buckets that a run staged and that no series has, with majority. None is fine.
 *
 * @throws HoldfastError HF-MONGO-001, -004, -005
 */
export async function dropHiddenSeries(client: MongoClient, runId: string): Promise<void> {
  const staged = (await knownStages(client, runId)).filter((namespace) =>
    splitNamespace(namespace).collection.startsWith(bucketsPrefix),
  );
  if (staged.length === 0) return;
  const listing = await listServer(client);
  for (const namespace of staged) {
    const { database, collection } = splitNamespace(namespace);
    const name = collection.slice(bucketsPrefix.length);
    const isShown = listing.some((one) => one.database === database && one.name === name);
    if (!isShown) await dropCollection(client, database, collection);
  }
}
