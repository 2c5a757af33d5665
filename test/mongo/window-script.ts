import type { ClientSession, MongoClient, UpdateFilter } from 'mongodb';

interface Row {
  _id: number | string;
  u?: number | string;
  n?: number;
  tags?: readonly number[];
  late?: boolean;
  old?: boolean;
  fresh?: boolean;
  whole?: boolean;
  inTransaction?: boolean;
  piped?: unknown;
  line?: string;
  fill?: string;
  x?: number;
  deep?: { er: number };
}

async function transaction(
  client: MongoClient,
  work: (session: ClientSession) => Promise<void>,
): Promise<void> {
  await client.withSession(async (session) => {
    session.startTransaction({ writeConcern: { w: 'majority' } });
    await work(session);
    await session.commitTransaction();
  });
}

/** What the window finds: made before it begins. */
export async function fillBefore(client: MongoClient): Promise<void> {
  const db = client.db('busy');
  const rows = Array.from({ length: 400 }, (_, at) => ({ _id: at, u: at, n: 0, tags: [at] }));
  await db.collection<Row>('rows').insertMany(rows);
  await db.collection('rows').createIndexes([
    { name: 'unique', key: { u: 1 }, unique: true },
    { name: 'goes', key: { n: 1 } },
    { name: 'ttl', key: { when: 1 }, expireAfterSeconds: 100_000_000 },
  ]);
  await db.collection<Row>('dropped').insertMany([{ _id: 1 }, { _id: 2 }]);
  await db.collection<Row>('made again').insertMany([{ _id: 1, old: true }]);
  await db.createCollection('log', { capped: true, size: 4_096 });
  await db.createCollection('long log', { capped: true, size: 1_048_576 });
  for (let at = 0; at < 60; at++) {
    await db.collection<Row>('log').insertOne({ _id: at, line: 'x'.repeat(80) });
    await db.collection<Row>('long log').insertOne({ _id: at, line: 'x'.repeat(80) });
  }
  await db.createCollection('changing view', { viewOn: 'rows', pipeline: [] });
  await db.createCollection('going view', { viewOn: 'rows', pipeline: [] });
  await client.db('going').collection('a').insertOne({ x: 1 });
  await client.db('going').createCollection('view', { viewOn: 'a', pipeline: [] });
  await db.createCollection('strict', { validator: { x: { $exists: true } } });
}

async function documents(client: MongoClient, from: number): Promise<void> {
  const rows = client.db('busy').collection<Row>('rows');
  for (let at = from; at < from + 100; at++) {
    await rows.insertOne({ _id: 1_000 + at, u: 1_000 + at, n: 1, tags: [] });
    const change: UpdateFilter<Row> = {
      $inc: { n: 1 },
      $set: { 'deep.er': at },
      $addToSet: { tags: at },
    };
    await rows.updateOne({ _id: at }, change);
    if (at % 3 === 0)
      await rows.updateOne({ _id: at }, { $unset: { tags: 1 }, $set: { late: true } });
    if (at % 5 === 0) await rows.deleteOne({ _id: at });
    if (at % 7 === 0) await rows.replaceOne({ _id: 1_000 + at }, { u: 5_000 + at, whole: true });
    await client
      .db('busy')
      .collection<Row>('log')
      .insertOne({ _id: 100 + at, line: 'y'.repeat(80) });
    await client
      .db('busy')
      .collection<Row>('long log')
      .insertOne({ _id: 100 + at, line: 'z'.repeat(80) });
  }
  await rows.updateMany({ n: 1 }, [{ $set: { piped: '$u' } }]);
  await rows.insertOne({ _id: `many-${from}`, u: `many-${from}` });
  // The unique value of one document goes to another: replayed out of order it would collide.
  await rows.updateOne({ _id: from + 1 }, { $set: { u: -1 - from } });
  await rows.insertOne({ _id: `takes-${from}`, u: from + 1 });
}

async function transactions(client: MongoClient): Promise<void> {
  const rows = client.db('busy').collection<Row>('rows');
  await transaction(client, async (session) => {
    await rows.insertMany(
      Array.from({ length: 50 }, (_, at) => ({ _id: `t-${at}`, u: `t-${at}` })),
      { session },
    );
    await rows.updateMany({ _id: { $lt: 50 } }, { $set: { inTransaction: true } }, { session });
    await rows.deleteOne({ _id: 't-7' }, { session });
  });
  await client.withSession(async (session) => {
    session.startTransaction();
    await rows.insertOne({ _id: 'never', u: 'never' }, { session });
    await session.abortTransaction();
  });
  await transaction(client, async (session) => {
    await client.db('busy').createCollection('made in a transaction', { session });
    await client.db('busy').collection('made in a transaction').createIndex({ x: 1 }, { session });
    await client
      .db('busy')
      .collection<Row>('made in a transaction')
      .insertOne({ _id: 1 }, { session });
  });
}

async function definitions(client: MongoClient): Promise<void> {
  const db = client.db('busy');
  await db.collection('rows').createIndex({ late: 1, n: -1 }, { name: 'made', sparse: true });
  await db.collection('rows').dropIndex('goes');
  await db.command({ collMod: 'rows', index: { name: 'ttl', expireAfterSeconds: 200_000_000 } });
  await db.command({ collMod: 'rows', index: { name: 'made', hidden: true } });
  await db.createCollection('new view', {
    viewOn: 'rows',
    pipeline: [{ $match: { n: 1 } }],
    collation: { locale: 'de' },
  });
  await db.command({ collMod: 'changing view', viewOn: 'rows', pipeline: [{ $limit: 1 }] });
  await db.dropCollection('going view');
  await db.createCollection('new', {
    validator: { $jsonSchema: { required: ['x'] } },
    validationLevel: 'moderate',
    collation: { locale: 'fr' },
  });
  await db.collection('new').insertMany([{ x: 1 }, { x: 'é' }]);
  await db.collection('new').createIndex({ x: 1 });
  await db.collection('new').createIndex({ y: 1 }, { collation: { locale: 'simple' } });
  await db.createCollection('new log', { capped: true, size: 4_096, max: 20 });
  for (let at = 0; at < 30; at++) await db.collection<Row>('new log').insertOne({ _id: at });
  await db.command({
    collMod: 'strict',
    validator: { y: { $exists: false } },
    validationAction: 'warn',
  });
  await db.command({ collMod: 'new', validator: {} });
  await db.collection('dropped').updateOne({ x: 1 }, { $set: { seen: true } }, { upsert: true });
  await db.collection('dropped').drop();
  await db.collection('made again').drop();
  await db.collection<Row>('made again').insertMany([{ _id: 2, fresh: true }, { _id: 3 }]);
  await db.collection<Row>('made again').updateOne({ _id: 3 }, { $set: { x: 1 } });
  await db.collection('came and went').insertOne({ x: 1 });
  await db.collection('came and went').drop();
  await client.db('going').collection('b').insertOne({ x: 1 });
  await client.db('going').dropDatabase();
  await client.db('coming').collection<Row>('c').insertOne({ _id: 1 });
}

/** Everything that may happen to a server while it is backed up; more than 1,000 oplog entries. */
export const windowScript: readonly ((client: MongoClient) => Promise<void>)[] = [
  (client) => documents(client, 0),
  definitions,
  (client) => documents(client, 100),
  transactions,
  (client) => documents(client, 200),
];
