import type { MongoClient } from 'mongodb';
import { elementValue, rawElements } from './bson-frames';
import { explained, serverCode } from './errors';
import { rawField, type RawValue } from './raw-command';
import { bsonType } from './bson-frames';
import { fromPlan, type StagedCollection } from './stage-plan';

const namespaceNotFound = 26;
const writeConcern = { w: 'majority', wtimeout: 60_000 };

/** The elements of a raw document as fields of a command, each with its own bytes. */
export function rawFields(document: Buffer): Record<string, RawValue> {
  const fields: Record<string, RawValue> = {};
  for (const element of rawElements(document)) {
    Object.assign(fields, rawField(element.name, element.type, elementValue(document, element)));
  }
  return fields;
}

/** Drops a collection, with majority; one that isn't there is fine. */
export async function dropCollection(
  client: MongoClient,
  database: string,
  name: string,
): Promise<void> {
  await explained(client, 'drop', `${database}.${name}`, async () => {
    try {
      await client.db(database).command({ drop: name, writeConcern });
    } catch (error) {
      if (serverCode(error) !== namespaceNotFound) throw error;
    }
  });
}

/**
 * Makes a stage anew: whatever has its name is dropped, then it is created with the options and the
 * `_id` index of the plan, majority committed.
 *
 * @throws HoldfastError HF-MONGO-004 when mongod refuses the options, HF-MONGO-001, -005
 */
export async function createStage(
  client: MongoClient,
  collection: StagedCollection,
): Promise<void> {
  const { database, stage, idIndex } = collection;
  await dropCollection(client, database, stage);
  await explained(client, 'create', `${database}.${stage}`, () =>
    client.db(database).command({
      create: stage,
      ...rawFields(fromPlan(collection.options)),
      ...(idIndex === null ? {} : rawField('idIndex', bsonType.document, fromPlan(idIndex))),
      writeConcern,
    }),
  );
}
