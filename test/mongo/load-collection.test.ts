import type { MongoClient } from 'mongodb';
import { dropAttemptUsers } from '../../mongo/attempt-user';
import { bsonType, frames } from '../../mongo/bson-frames';
import { loadCollection, type LoadCounts, type LoadOptions } from '../../mongo/load-collection';
import { readProgress } from '../../mongo/load-progress';
import { readAll } from '../../mongo/raw-cursor';
import { makeStagePlan, type StagedCollection } from '../../mongo/stage-plan';
import { dropStage } from '../../mongo/swap-cleanup';
import { document, element, int32, text } from './raw-bson';
import { mongodVersions, startReplicaSet, type TestReplicaSet } from './replica-set';
import { attemptClient, chunked } from './restore-steps';

const runId = 'load';
const database = 'loaded';

function numbered(count: number, fill: number): Buffer[] {
  return Array.from({ length: count }, (_, at) =>
    document(
      element(bsonType.int32, '_id', int32(at)),
      element(bsonType.string, 'fill', text('f'.repeat(fill))),
    ),
  );
}

function planFor(documents: readonly Buffer[], options = '{}'): StagedCollection {
  const metadata = `{"options":${options},"indexes":[],"collectionName":"c"}`;
  const bytes = Buffer.concat(documents).length;
  const input = { database, name: 'c', metadata, documents: documents.length, bytes };
  const [collection] = makeStagePlan([input], []).collections;
  if (collection === undefined) throw new Error('no collection');
  return collection;
}

describe.each(mongodVersions)('loading into mongod %s with the roles of an attempt', (version) => {
  let set: TestReplicaSet;
  let agent: MongoClient;
  let client: MongoClient;

  beforeAll(async () => {
    set = await startReplicaSet({ version, auth: true });
    agent = await set.client();
  });
  beforeEach(async () => {
    client = await attemptClient(set, runId, 1);
  });
  afterEach(async () => {
    await client.close();
    await dropAttemptUsers(agent, runId);
    await dropStage({ client: agent, runId });
  });
  afterAll(() => set.stop());

  function load(
    documents: readonly Buffer[],
    options: Partial<LoadOptions> = {},
  ): Promise<LoadCounts> {
    const bytes = Buffer.concat(documents);
    return loadCollection({
      client,
      runId,
      collection: planFor(documents),
      read: (from) => chunked(bytes, from),
      isTouchedInWindow: () => Promise.resolve(false),
      now: () => performance.now(),
      signal: new AbortController().signal,
      ...options,
    });
  }

  async function stored({ stage, capped }: StagedCollection): Promise<Buffer[]> {
    const sort = capped ? {} : { sort: { _id: 1 } };
    const command = { find: stage, ...sort };
    return [...frames(await readAll(agent, { database, collection: stage, command }))];
  }

  test('keeps documents that an insert would change, in their place', async () => {
    const zero = Buffer.alloc(8);
    const documents = [
      document(element(bsonType.int32, '_id', int32(0)), element(bsonType.int64, 'n', zero)),
      document(element(bsonType.int32, '_id', int32(1)), element(bsonType.timestamp, 'ts', zero)),
      document(
        element(bsonType.int32, 'first', int32(1)),
        element(bsonType.int32, '_id', int32(2)),
      ),
      document(
        element(bsonType.int32, '_id', int32(3)),
        element(bsonType.document, 'in', document(element(bsonType.timestamp, 'ts', zero))),
      ),
    ];
    for (const options of ['{}', '{"capped":true,"size":{"$numberInt":"65536"}}']) {
      const collection = planFor(documents, options);
      await expect(load(documents, { collection })).resolves.toEqual({
        documents: 4,
        duplicates: 0,
      });
      expect(Buffer.concat(await stored(collection)).equals(Buffer.concat(documents))).toBe(true);
      await dropStage({ client: agent, runId });
    }
  });

  test('stopped in the middle goes on from its progress and sends nothing twice before it', async () => {
    const documents = numbered(3_000, 5_000);
    const bytes = Buffer.concat(documents);
    const stop = new AbortController();
    let clock = 0;
    const stopped = load(documents, {
      signal: stop.signal,
      now: () => (clock += 1_000),
      onProgress: ({ bytes: done }) => {
        if (done > bytes.length / 2) stop.abort(new Error('stopped'));
      },
    });
    await expect(stopped).rejects.toThrow('stopped');
    const collection = planFor(documents);
    const progress = await readProgress(agent, { runId, database, stage: collection.stage });
    expect(progress.bytes).toBeGreaterThan(0);
    expect(progress.complete).toBe(false);

    let readFrom = -1;
    const counts = await load(documents, {
      read: (from) => {
        readFrom = from;
        return chunked(bytes, from);
      },
    });
    expect(readFrom).toBe(progress.bytes);
    expect(counts.documents + counts.duplicates).toBe(3_000);
    expect(Buffer.concat(await stored(collection)).equals(bytes)).toBe(true);
    await expect(load(documents)).resolves.toEqual(counts);
  });

  test('begins a capped collection anew, so that its order stays', async () => {
    const documents = numbered(2_000, 5_000);
    const collection = planFor(documents, '{"capped":true,"size":{"$numberInt":"33554432"}}');
    const stop = new AbortController();
    let clock = 0;
    const stopped = load(documents, {
      collection,
      signal: stop.signal,
      now: () => (clock += 3_000),
      onProgress: ({ documents: done }) => {
        if (done > 1_000) stop.abort(new Error('stopped'));
      },
    });
    await expect(stopped).rejects.toThrow('stopped');
    await expect(load(documents, { collection })).resolves.toEqual({
      documents: 2_000,
      duplicates: 0,
    });
    expect(Buffer.concat(await stored(collection)).equals(Buffer.concat(documents))).toBe(true);
  });

  test('takes a document twice only where the window touches it', async () => {
    const [first, second] = numbered(2, 10);
    if (first === undefined || second === undefined) throw new Error('no documents');
    const again = document(element(bsonType.int32, '_id', int32(0)));
    const documents = [first, second, again];
    await expect(load(documents)).rejects.toMatchObject({ code: 'HF-LOAD-002' });
    const asked: string[] = [];
    const counts = await load(documents, {
      isTouchedInWindow: (namespace, id) => {
        asked.push(`${namespace} ${id.toString('hex')}`);
        return Promise.resolve(true);
      },
    });
    expect(counts).toEqual({ documents: 2, duplicates: 1 });
    expect(asked).toEqual(['loaded.c 1000000000']);
  });

  test('says so when the file holds another number of documents, or is cut short', async () => {
    const documents = numbered(10, 10);
    const fewer = Buffer.concat(documents.slice(1));
    await expect(load(documents, { read: () => chunked(fewer) })).rejects.toMatchObject({
      code: 'HF-LOAD-001',
      params: { namespace: 'loaded.c', found: 9, expected: 10 },
    });
    await dropStage({ client: agent, runId });
    const cut = fewer.subarray(0, fewer.length - 3);
    await expect(load(documents, { read: () => chunked(cut) })).rejects.toMatchObject({
      code: 'HF-ARCHIVE-001',
    });
  });

  test('goes past validators and stops when a later attempt takes over', async () => {
    const documents = numbered(500, 20_000);
    const collection = planFor(documents, '{"validator":{"missing":{"$exists":true}}}');
    let other: MongoClient | undefined;
    const overtaken = load(documents, {
      collection,
      read: async function* () {
        for await (const chunk of chunked(Buffer.concat(documents), 0, 500_000)) {
          yield chunk;
          other ??= await attemptClient(set, runId, 2);
        }
      },
    });
    await expect(overtaken).rejects.toThrow(/mongod|not authorized|may not run/);
    if (other === undefined) throw new Error('nobody took over');
    const counts = await load(documents, { collection, client: other });
    expect(counts.documents + counts.duplicates).toBe(500);
    await other.close();
    await expect(attemptClient(set, runId, 1)).rejects.toMatchObject({ code: 'HF-FENCE-001' });
    await dropAttemptUsers(agent, runId);
  });
});
