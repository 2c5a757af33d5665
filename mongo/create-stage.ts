import type { MongoClient } from 'mongodb';
import { bsonType } from './bson-frames';
import { createCollection, dropCollection, rawFields } from './create-collection';
import { rawField } from './raw-command';
import { fromPlan, type StagedCollection } from './stage-plan';
import { createSeriesStage } from './time-series';

/**
 * Makes a stage anew: whatever has its name is dropped, then it is created with the options and the
 * `_id` index of the plan, majority committed.
 *
 * @throws HoldfastError HF-LOAD-004 when mongod refuses the options, HF-SWAP-003 when the buckets of a
 * time series are there and not this run's, HF-MONGO-001, -004, -005
 */
export async function createStage(
  client: MongoClient,
  runId: string,
  collection: StagedCollection,
): Promise<void> {
  const { database, name, stage, idIndex, series } = collection;
  if (series) {
    await createSeriesStage(client, runId, collection);
    return;
  }
  await dropCollection(client, database, stage);
  const fields = {
    ...rawFields(fromPlan(collection.options)),
    ...(idIndex === null ? {} : rawField('idIndex', bsonType.document, fromPlan(idIndex))),
  };
  await createCollection(client, { database, name: stage }, fields, `${database}.${name}`);
}
