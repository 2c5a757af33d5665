import type { MongoClient } from 'mongodb';
import { bsonType } from '../../mongo/bson-frames';
import { loadCollection } from '../../mongo/load-collection';
import { readAll } from '../../mongo/raw-cursor';
import { makeStagePlan } from '../../mongo/stage-plan';
import { document, element, int32, text } from './raw-bson';
import { mongodVersions, startReplicaSet, until, type TestReplicaSet } from './replica-set';
import { attemptClient, chunked } from './restore-steps';

const documents = Array.from({ length: 6_000 }, (_, at) =>
  document(
    element(bsonType.int32, '_id', int32(at)),
    element(bsonType.string, 'fill', text('f'.repeat(5_000))),
  ),
);
const bytes = Buffer.concat(documents);
/** Every document has as many. */
const documentBytes = bytes.length / documents.length;

describe.each(mongodVersions)('a replica set of three, mongod %s', (version) => {
  let set: TestReplicaSet;
  let agent: MongoClient;

  beforeAll(async () => {
    const setParameter = { enableTestCommands: '1' };
    set = await startReplicaSet({ version, auth: true, members: 3, setParameter });
    agent = await set.client();
  });
  afterAll(() => set.stop());

  interface Loaded {
    /** Where in the .bson each round began. */
    readonly reads: number[];
    /** Documents that the new primary lacked when a round began, though they count as loaded. */
    readonly missing: number[];
  }

  /** Loads all documents; `strike` is called once, in the middle. */
  async function loadWhile(name: string, strike: (stage: string) => Promise<void>) {
    const metadata = `{"indexes":[],"collectionName":"${name}"}`;
    const count = documents.length;
    const input = { database: 'd', name, metadata, documents: count, bytes: bytes.length };
    const [collection] = makeStagePlan([input], []).collections;
    if (collection === undefined) throw new Error('no collection');
    const { stage } = collection;
    const runId = `election-${name}`;
    const client = await attemptClient(set, runId, 1);
    const stored = (filter: object, batchless: object = {}): Promise<Buffer> =>
      readAll(agent, {
        database: 'd',
        collection: stage,
        command: { find: stage, filter, sort: { _id: 1 }, ...batchless },
      });
    const loaded: Loaded = { reads: [], missing: [] };
    let struck: Promise<void> | undefined;
    let clock = 0;
    const counts = await loadCollection({
      client,
      runId,
      collection,
      read: async function* (from) {
        loaded.reads.push(from);
        if (from > 0) {
          await struck;
          const acknowledged = from / documentBytes;
          const filter = { _id: { $lt: acknowledged } };
          const there = await stored(filter, { readConcern: { level: 'majority' } });
          loaded.missing.push(acknowledged - there.length / documentBytes);
        }
        yield* chunked(bytes, from, 500_000);
      },
      isTouchedInWindow: () => Promise.resolve(false),
      now: () => (clock += 700),
      signal: new AbortController().signal,
      onProgress: ({ documents: done }) => {
        if (done >= 2_000) struck ??= strike(stage);
      },
    });
    await struck;
    expect(counts.documents + counts.duplicates).toBe(count);
    expect((await stored({})).equals(bytes)).toBe(true);
    await client.close();
    return { ...loaded, counts };
  }

  async function primary(): Promise<number> {
    const hello = await agent.db('admin').command({ hello: 1 });
    return set.target.hosts.indexOf(String(hello['primary']));
  }

  test('a load survives its primary stepping down, without losing or doubling a document', async () => {
    const { reads, missing } = await loadWhile('stepping', async () => {
      await agent.db('admin').command({ replSetStepDown: 10, force: true });
    });
    expect(reads.length).toBeGreaterThan(1);
    expect(reads.at(-1)).toBeGreaterThan(0);
    expect(missing).toEqual(missing.map(() => 0));
    await set.waitForPrimary();
  });

  test('what counts as loaded is there after the primary was killed with -9, though it had more', async () => {
    const killed = await primary();
    const others = [0, 1, 2].filter((index) => index !== killed);
    const members = await Promise.all([0, 1, 2].map((index) => set.direct(index)));
    let lost = 0;
    const { reads, missing } = await loadWhile('killed', async (stage) => {
      const held = async (index: number): Promise<number> =>
        (await members[index]?.db('d').collection(stage).estimatedDocumentCount()) ?? 0;
      const replicate = async (index: number, on: boolean): Promise<void> => {
        const mode = on ? 'off' : 'alwaysOn';
        const configureFailPoint = 'stopReplProducer';
        await members[index]?.db('admin').command({ configureFailPoint, mode });
      };
      await Promise.all(others.map((index) => replicate(index, false)));
      await until('documents that only the primary has', async () => {
        lost = (await held(killed)) - Math.max(...(await Promise.all(others.map(held))));
        return lost > 400;
      });
      await set.kill('SIGKILL', killed);
      await Promise.all(others.map((index) => replicate(index, true)));
    });
    expect(lost).toBeGreaterThan(400);
    expect(missing.length).toBeGreaterThan(0);
    expect(missing).toEqual(missing.map(() => 0));
    expect(reads.at(-1)).toBeGreaterThan(0);
  });
});
