import { BSON, Timestamp, type MongoClient } from 'mongodb';
import { frames } from '../../mongo/bson-frames';
import { listCollections } from '../../mongo/collections';
import { dumpServer } from '../../mongo/dump';
import { readNodeIdentity } from '../../mongo/node-identity';
import { compareOpTimes, findWindowStart, readEntryHead } from '../../mongo/oplog-window';
import { MemorySink } from './memory-sink';
import { mongodVersions, startReplicaSet, until, type TestReplicaSet } from './replica-set';

const majority = { writeConcern: { w: 'majority' as const } };

describe.each(mongodVersions)('the oplog window on mongod %s', (version) => {
  let set: TestReplicaSet;
  let client: MongoClient;
  let pinned: MongoClient;

  beforeAll(async () => {
    set = await startReplicaSet({
      version,
      oplogSizeMB: 1,
      setParameter: {
        enableTestCommands: '1',
        maxNumberOfTransactionOperationsInSingleOplogEntry: '2',
        // Nothing but the tests writes, so that the newest entry is theirs.
        writePeriodicNoops: 'false',
        disableLogicalSessionCacheRefresh: 'true',
      },
    });
    client = await set.client();
    pinned = await set.direct();
  });
  afterAll(() => set.stop());

  test('begins at the first entry of a transaction that is spread over several', async () => {
    const txns = client.db('juju').collection('txns');
    await txns.insertOne({ before: true }, majority);
    await client.withSession((session) =>
      session.withTransaction(
        () =>
          txns.insertMany(
            Array.from({ length: 7 }, (_, at) => ({ at })),
            { session },
          ),
        majority,
      ),
    );
    const identity = await readNodeIdentity(pinned);
    const start = await findWindowStart(pinned, identity.node);
    const sink = new MemorySink();
    const result = await dumpServer(pinned, sink);
    expect(compareOpTimes(result.window.start, start)).toBe(0);
    const heads = [...frames(sink.bytes('oplog'))].map(readEntryHead);
    expect(heads.length).toBeGreaterThanOrEqual(4);
    expect(heads[0]?.previous).toBeUndefined();
    expect(heads.slice(0, 4).map(({ partial }) => partial)).toEqual([true, true, true, false]);
    expect(result.restarts).toBe(0);
  });

  test.each([
    ['is no longer there', { ts: new Timestamp({ t: 1_000_000_000, i: 1 }) }],
    ['was rolled back and replaced', { sha256: '0'.repeat(64) }],
  ])('whose last held entry %s makes the dump start again from nothing', async (_, change) => {
    await client.db('juju').collection('a').insertOne({ x: 1 }, majority);
    const sink = new MemorySink();
    await dumpServer(pinned, sink);
    const { binding, streams } = sink.resume();
    const held = streams.get('oplog')?.positions.at(-1);
    const place = BSON.deserialize(Buffer.from(held?.token ?? '', 'base64'));
    const token = Buffer.from(BSON.serialize({ ...place, ...change })).toString('base64');
    const oplog = { positions: [{ token, documents: 0, bytes: 0 }], done: false };
    const resume = { binding, streams: new Map([...streams, ['oplog', oplog]]) };
    const result = await dumpServer(pinned, sink, { resume });
    expect(sink.resets).toHaveLength(1);
    expect(sink.resets[0]).toMatch(/no entry at .* any more/);
    expect(result.restarts).toBe(1);
    expect(result.collections.length).toBeGreaterThan(0);
  });

  test('takes in a collection that is dropped while it is scanned, and one that is made', async () => {
    const db = client.db('juju');
    await db.collection('doomed').insertMany(
      Array.from({ length: 400 }, (_, at) => ({ at, filler: 'f'.repeat(100) })),
      majority,
    );
    const sink = new MemorySink();
    let done = false;
    sink.beforeWrite = async (stream, { documents }) => {
      if (stream !== 'juju.doomed' || documents < 50 || done) return;
      done = true;
      await db.collection('doomed').drop(majority);
      await db.collection('newborn').insertOne({ x: 1 }, majority);
      await db.collection('doomed').insertOne({ again: true }, majority);
    };
    const result = await dumpServer(pinned, sink, { batchBytes: 2_000 });
    expect(done).toBe(true);
    expect(result.restarts).toBe(0);
    const dumped = result.collections.map(({ name }) => name);
    expect(dumped).toContain('doomed');
    expect(dumped).not.toContain('newborn');
    const kinds = [...frames(sink.bytes('oplog'))].map(readEntryHead);
    expect(kinds.filter(({ op }) => op === 'c').length).toBeGreaterThanOrEqual(3);
    expect((await listCollections(pinned)).map(({ name }) => name)).toContain('newborn');
  });

  test('is void when $out replaces a collection', async () => {
    const db = client.db('juju');
    await db.collection('target').insertOne({ old: true }, majority);
    const sink = new MemorySink();
    let done = false;
    sink.beforeWrite = async (stream) => {
      if (stream !== 'juju.target' || done) return;
      done = true;
      await db
        .collection('txns')
        .aggregate([{ $out: 'target' }])
        .toArray();
    };
    const result = await dumpServer(pinned, sink);
    expect(sink.resets[0]).toContain('renameCollection');
    expect(result.restarts).toBe(1);
    const target = result.collections.find(({ name }) => name === 'target');
    expect(target?.documents).toBe(await db.collection('txns').countDocuments());
  });

  test('leaves an index out of the metadata whose build has not ended', async () => {
    const db = client.db('juju');
    await db.collection('building').insertOne({ x: 1 }, majority);
    const admin = client.db('admin');
    const failPoint = 'hangAfterStartingIndexBuild';
    await admin.command({ configureFailPoint: failPoint, mode: 'alwaysOn' });
    const build = db.collection('building').createIndex({ x: 1 }, { name: 'unfinished' });
    try {
      await until('the build', async () => {
        const listed = await db.command({ listIndexes: 'building', includeBuildUUIDs: true });
        return JSON.stringify(listed['cursor']).includes('buildUUID');
      });
      const result = await dumpServer(pinned, new MemorySink());
      const building = result.collections.find(({ name }) => name === 'building');
      expect(building?.metadataJson.toString()).not.toContain('unfinished');
      expect(building?.metadataJson.toString()).toContain('"name":"_id_"');
    } finally {
      await admin.command({ configureFailPoint: failPoint, mode: 'off' });
      await build;
    }
  });
});

test('data identity differs between members, and a dump on one does not resume on the other', async () => {
  const set = await startReplicaSet({ version: '6.0', members: 2, auth: true });
  try {
    const client = await set.client();
    await client
      .db('juju')
      .collection('a')
      .insertMany([{ x: 1 }, { x: 2 }], { writeConcern: { w: 2 } });
    const [first, second] = [await set.direct(0), await set.direct(1)];
    await until('the second member', async () => {
      const hello = await second.db('admin').command({ hello: 1 });
      return hello['secondary'] === true;
    });
    const [one, two] = [await readNodeIdentity(first), await readNodeIdentity(second)];
    expect(one.dataIdentity).toMatch(/^[0-9a-f]{32}\/[0-9a-f]{32}$/);
    expect(two.dataIdentity).not.toBe(one.dataIdentity);
    expect(two.replicaSetId).toBe(one.replicaSetId);
    expect(two.node).not.toBe(one.node);
    const sink = new MemorySink();
    await dumpServer(first, sink);
    const result = await dumpServer(second, sink, { resume: sink.resume() });
    expect(sink.resets[0]).toContain(one.node);
    expect(result.node).toBe(two.node);
    expect(result.collections.map(({ documents }) => documents)).toEqual([2]);
    await set.kill('SIGTERM', 1);
    await set.restart(1);
    const again = await readNodeIdentity(await set.direct(1));
    expect({ identity: again.dataIdentity, rbid: again.rbid }).toEqual({
      identity: two.dataIdentity,
      rbid: two.rbid,
    });
  } finally {
    await set.stop();
  }
});
