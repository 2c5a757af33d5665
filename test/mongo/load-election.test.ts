import type { MongoClient } from 'mongodb';
import { bsonType } from '../../mongo/bson-frames';
import { loadCollection } from '../../mongo/load-collection';
import { readAll } from '../../mongo/raw-cursor';
import { makeStagePlan } from '../../mongo/stage-plan';
import { document, element, int32, text } from './raw-bson';
import { mongodVersions, startReplicaSet, type TestReplicaSet } from './replica-set';
import { attemptClient, chunked } from './restore-steps';

describe.each(mongodVersions)('a replica set of three, mongod %s', (version) => {
  let set: TestReplicaSet;
  let agent: MongoClient;

  beforeAll(async () => {
    set = await startReplicaSet({ version, auth: true, members: 3 });
    agent = await set.client();
  });
  afterAll(() => set.stop());

  test('a load survives its primary stepping down, without losing or doubling a document', async () => {
    const documents = Array.from({ length: 6_000 }, (_, at) =>
      document(
        element(bsonType.int32, '_id', int32(at)),
        element(bsonType.string, 'fill', text('f'.repeat(5_000))),
      ),
    );
    const bytes = Buffer.concat(documents);
    const metadata = '{"indexes":[],"collectionName":"c"}';
    const input = { database: 'd', name: 'c', metadata, documents: 6_000, bytes: bytes.length };
    const [collection] = makeStagePlan([input], []).collections;
    if (collection === undefined) throw new Error('no collection');
    const client = await attemptClient(set, 'election', 1);
    let stepped: Promise<unknown> | undefined;
    const reads: number[] = [];
    let clock = 0;
    const counts = await loadCollection({
      client,
      runId: 'election',
      collection,
      read: (from) => {
        reads.push(from);
        return chunked(bytes, from, 500_000);
      },
      isTouchedInWindow: () => Promise.resolve(false),
      now: () => (clock += 700),
      signal: new AbortController().signal,
      onProgress: ({ documents: done }) => {
        if (done < 3_000 || stepped !== undefined) return;
        stepped = agent.db('admin').command({ replSetStepDown: 10, force: true });
      },
    });
    await stepped;
    expect(reads.length).toBeGreaterThan(1);
    expect(reads.at(-1)).toBeGreaterThan(0);
    expect(counts.documents + counts.duplicates).toBe(6_000);
    const command = { find: collection.stage, sort: { _id: 1 } };
    const stored = await readAll(agent, { database: 'd', collection: collection.stage, command });
    expect(stored.equals(bytes)).toBe(true);
    await client.close();
  });
});
