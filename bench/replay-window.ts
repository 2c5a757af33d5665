import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type {
  AnyBulkWriteOperation,
  ClientSession,
  Document,
  MongoClient,
  Timestamp,
} from 'mongodb';
import { countFrames } from '../mongo/bson-frames';
import { readLastWrite, timestampOf } from '../mongo/oplog-window';
import { readAll } from '../mongo/raw-cursor';

/** Where the operations happen. */
export const replayDatabase = 'bench';
export const replayCollection = 'replay';

/** What was written into a directory that mongorestore reads. */
export interface ReplayWindow {
  readonly operations: number;
  /** Entries in oplog.bson; a transaction is one or a few. */
  readonly entries: number;
  /** Documents once all of it is replayed. */
  readonly left: number;
}

const batch = 1_000;
const transactionSize = 100;

interface Row extends Document {
  _id: number;
}

/** Every tenth batch is made of transactions. */
async function inBatches(
  client: MongoClient,
  count: number,
  operation: (at: number) => AnyBulkWriteOperation<Row>,
): Promise<void> {
  const collection = client.db(replayDatabase).collection<Row>(replayCollection);
  const write = async (from: number, to: number, session?: ClientSession): Promise<void> => {
    const operations = Array.from({ length: to - from }, (_, at) => operation(from + at));
    await collection.bulkWrite(operations, {
      ordered: true,
      ...(session === undefined ? {} : { session }),
    });
  };
  for (let from = 0; from < count; from += batch) {
    const to = Math.min(count, from + batch);
    if ((from / batch) % 10 !== 9) {
      await write(from, to);
      continue;
    }
    for (let at = from; at < to; at += transactionSize) {
      await client.withSession((session) =>
        session.withTransaction(() => write(at, Math.min(to, at + transactionSize), session)),
      );
    }
  }
}

async function lastWrite(client: MongoClient): Promise<Timestamp> {
  return timestampOf((await readLastWrite(client)).last);
}

/**
 * Does `operations` operations on an empty collection, a half inserts, 35 % updates, 15 % deletes,
 * and writes the oplog of them as mongodump --oplog lays it out, the collection empty before it.
 */
export async function writeReplayWindow(
  client: MongoClient,
  directory: string,
  operations: number,
): Promise<ReplayWindow> {
  const database = client.db(replayDatabase);
  await database.dropDatabase();
  await database.createCollection(replayCollection);
  const from = await lastWrite(client);
  const inserts = Math.floor(operations / 2);
  const updates = Math.floor(operations * 0.35);
  const deletes = operations - inserts - updates;
  await inBatches(client, inserts, (at) => ({
    insertOne: {
      document: { _id: at, unit: `u#mysql/${at % 7}`, status: 'waiting', info: 'x'.repeat(120) },
    },
  }));
  await inBatches(client, updates, (at) => ({
    updateOne: { filter: { _id: at }, update: { $set: { status: 'active', updated: at } } },
  }));
  await inBatches(client, deletes, (at) => ({ deleteOne: { filter: { _id: inserts - 1 - at } } }));
  const oplog = await readAll(client, {
    database: 'local',
    collection: 'oplog.rs',
    command: {
      find: 'oplog.rs',
      filter: {
        ts: { $gt: from, $lte: await lastWrite(client) },
        ns: { $in: [`${replayDatabase}.${replayCollection}`, 'admin.$cmd'] },
      },
    },
  });
  const entries = countFrames(oplog);
  const name = join(directory, replayDatabase, replayCollection);
  await mkdir(join(directory, replayDatabase), { recursive: true });
  await writeFile(join(directory, 'oplog.bson'), oplog);
  await writeFile(`${name}.bson`, '');
  await writeFile(`${name}.metadata.json`, replayMetadata);
  return { operations, entries, left: inserts - deletes };
}

/** metadata.json of the empty collection. */
export const replayMetadata = JSON.stringify({
  options: {},
  indexes: [{ v: { $numberInt: '2' }, key: { _id: { $numberInt: '1' } }, name: '_id_' }],
  collectionName: replayCollection,
  type: 'collection',
});
