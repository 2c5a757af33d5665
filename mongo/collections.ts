import pLimit, { type LimitFunction } from 'p-limit';
import type { MongoClient } from 'mongodb';
import { bsonType, elementValue, findElement, frames, stringValue } from './bson-frames';
import { explained, serverCode } from './errors';
import { bucketsPrefix, isDumpedCollection, isIncludedDatabase } from './namespaces';
import { listedUuid } from './node-identity';
import { readAll } from './raw-cursor';

export type CollectionType = 'collection' | 'view' | 'timeseries';

/** A collection as listCollections gives it. */
export interface ListedCollection {
  readonly database: string;
  readonly name: string;
  readonly type: CollectionType;
  /** The collection's own UUID, 32 hex digits; views and time series have none. */
  readonly uuid?: string;
  /** UUID of the collection that holds the data: its own, or that of a time series' buckets. */
  readonly dataUuid?: string;
  /** Options as BSON, in mongod's order. */
  readonly options: Buffer;
}

/** A collection with what restoring it needs. */
export interface DescribedCollection extends ListedCollection {
  /** Index specifications as BSON, in mongod's order; without builds that have not ended. */
  readonly indexes: readonly Buffer[];
}

/** Sizes of a collection as mongod estimates them. */
export interface CollectionSize {
  readonly documents: number;
  /** Bytes of all documents, uncompressed. */
  readonly bytes: number;
}

const namespaceNotFound = 26;

function typeOf(name: string | undefined): CollectionType {
  return name === 'view' || name === 'timeseries' ? name : 'collection';
}

/** Names of the databases Holdfast reads, sorted. @throws HoldfastError HF-MONGO-001, -004, -005 */
export async function listDatabases(client: MongoClient): Promise<string[]> {
  const { databases } = await explained(client, 'listDatabases', 'admin', () =>
    client.db('admin').admin().listDatabases({ nameOnly: true }),
  );
  return databases
    .map(({ name }) => name)
    .filter(isIncludedDatabase)
    .toSorted();
}

/** The dumped collections of one database, sorted by name; time series know their buckets' UUID. */
async function listDatabase(client: MongoClient, database: string): Promise<ListedCollection[]> {
  const listing = await readAll(client, {
    database,
    collection: '$cmd.listCollections',
    command: { listCollections: 1 },
  });
  const listed: ListedCollection[] = [];
  const buckets = new Map<string, string>();
  for (const document of frames(listing)) {
    const name = stringValue(document, findElement(document, 'name'));
    if (name === undefined) continue;
    const uuid = listedUuid(document);
    if (name.startsWith(bucketsPrefix) && uuid !== undefined) {
      buckets.set(name.slice(bucketsPrefix.length), uuid);
    }
    if (!isDumpedCollection(database, name)) continue;
    const options = findElement(document, 'options');
    listed.push({
      database,
      name,
      type: typeOf(stringValue(document, findElement(document, 'type'))),
      ...(uuid === undefined ? {} : { uuid, dataUuid: uuid }),
      options:
        options === undefined ? emptyDocument() : Buffer.from(elementValue(document, options)),
    });
  }
  return listed
    .map((collection) => {
      const dataUuid = buckets.get(collection.name);
      return collection.type === 'timeseries' && dataUuid !== undefined
        ? { ...collection, dataUuid }
        : collection;
    })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function emptyDocument(): Buffer {
  return Buffer.from([5, 0, 0, 0, 0]);
}

/**
 * Every collection, view and time series Holdfast dumps, of all databases.
 *
 * @throws HoldfastError HF-MONGO-001, -004, -005, -006
 */
export async function listCollections(client: MongoClient): Promise<ListedCollection[]> {
  const listed: ListedCollection[] = [];
  for (const database of await listDatabases(client)) {
    listed.push(...(await listDatabase(client, database)));
  }
  return listed;
}

/**
 * Index specifications of a collection as BSON. A build that has not ended is left out: should it
 * end, the oplog says so. None for a view, or a collection that has been dropped meanwhile.
 *
 * @throws HoldfastError HF-MONGO-001, -004, -005, -006
 */
export async function listIndexes(
  client: MongoClient,
  { database, name, type }: ListedCollection,
): Promise<Buffer[]> {
  if (type === 'view') return [];
  try {
    const listing = await readAll(client, {
      database,
      collection: name,
      command: { listIndexes: name, includeBuildUUIDs: true },
    });
    return [...frames(listing)]
      .filter((index) => findElement(index, 'buildUUID') === undefined)
      .map((index) => Buffer.from(index));
  } catch (error) {
    const cause: unknown = error instanceof Error ? error.cause : undefined;
    if (serverCode(cause) === namespaceNotFound) return [];
    throw error;
  }
}

/** {@link listCollections} with the indexes of each. */
export async function describeCollections(client: MongoClient): Promise<DescribedCollection[]> {
  return atOnce().map(await listCollections(client), async (collection) => ({
    ...collection,
    indexes: await listIndexes(client, collection),
  }));
}

/** Questions asked at a time, each on a connection of its own. */
export function atOnce(): LimitFunction {
  return pLimit(4);
}

/**
 * Estimated size of a collection's data; zero for a collection that is gone.
 *
 * @throws HoldfastError HF-MONGO-001, -004, -005
 */
export async function collectionSize(
  client: MongoClient,
  database: string,
  collection: string,
): Promise<CollectionSize> {
  const dataSize = `${database}.${collection}`;
  // collStats says the same among a few hundred figures of the storage engine.
  const { numObjects, size } = await explained(client, 'dataSize', dataSize, () =>
    client.db(database).command({ dataSize, estimate: true }),
  );
  return { documents: Number(numObjects ?? 0), bytes: Number(size ?? 0) };
}

/** UUID a name has now, undefined when it has none. @throws HoldfastError HF-MONGO-001, -004, -005 */
export async function currentUuid(
  client: MongoClient,
  database: string,
  collection: string,
): Promise<string | undefined> {
  const listing = await readAll(client, {
    database,
    collection: '$cmd.listCollections',
    command: { listCollections: 1, filter: { name: collection } },
  });
  for (const document of frames(listing)) return listedUuid(document);
  return undefined;
}

/** Whether options hold a field of that name, as `capped` or `timeseries`. */
export function hasOption(options: Buffer, name: string): boolean {
  const element = findElement(options, name);
  if (element === undefined) return false;
  return element.type !== bsonType.boolean || options[element.valueStart] === 1;
}
