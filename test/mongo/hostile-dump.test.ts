import type { MongoClient } from 'mongodb';
import { dropAttemptUsers } from '../../mongo/attempt-user';
import { bsonType, maxDocumentBytes } from '../../mongo/bson-frames';
import { buildIndexes } from '../../mongo/build-indexes';
import { captureServer, type Capture } from '../../mongo/capture';
import { compareServers } from '../../mongo/compare';
import { loadCollection } from '../../mongo/load-collection';
import { namespaceProblem } from '../../mongo/namespaces';
import { makeStagePlan, type StagePlan } from '../../mongo/stage-plan';
import { dropStage } from '../../mongo/swap-cleanup';
import { document, element, int32, text } from './raw-bson';
import { mongodVersions, startReplicaSet, type TestReplicaSet } from './replica-set';
import { attemptClient, chunked } from './restore-steps';

const runId = 'hostile';
const filler = text('f'.repeat(1_000));

function numbered(_id: number, ...more: readonly Buffer[]): Buffer {
  return document(
    element(bsonType.int32, '_id', int32(_id)),
    element(bsonType.string, 'filler', filler),
    ...more,
  );
}

/** More than two batches before the harm, and two behind it. */
const before = Array.from({ length: 5_000 }, (_, at) => numbered(at));
const behind = Array.from({ length: 4_000 }, (_, at) => numbered(6_000 + at));
const harmAt = Buffer.concat(before).length;
const tooLong = document(
  element(bsonType.int32, '_id', int32(5_000)),
  element(bsonType.string, 'x', text('x'.repeat(maxDocumentBytes))),
);
const reaching = numbered(5_000, element(bsonType.string, 'a', Buffer.concat([int32(9_999)])));
const unknown = numbered(5_000, element(0x55, 'a', int32(1)));
const nested = numbered(
  5_000,
  element(bsonType.document, 'a', Buffer.concat([int32(5), int32(7)])),
);

function planOf(metadata: string, documents: number, bytes: number, name = 'c'): StagePlan {
  return makeStagePlan([{ database: 'juju', name, metadata, documents, bytes }], []);
}

test.each([
  ['a database of the server', 'admin', 'c'],
  ['a database of Holdfast', 'holdfast', 'operations'],
  ['a database with a slash', 'a/b', 'c'],
  ['a database with a dot', 'a.b', 'c'],
  ['a database without a name', '', 'c'],
  ['a long database', 'd'.repeat(64), 'c'],
  ['a collection without a name', 'juju', ''],
  ['a collection with a NUL', 'juju', 'a\0b'],
  ['a collection that begins with a dot', 'juju', '.a'],
  ['a command', 'juju', '$cmd'],
  ['a collection of the server', 'juju', 'system.users'],
  ['a stage of Holdfast', 'juju', 'hf-stage.1'],
  ['a name of 256 bytes', 'juju', 'é'.repeat(125) + 'x'],
])('%s is no place for a collection of a dump: nothing is planned', (_, database, name) => {
  const dumped = { database, name, metadata: '{"indexes":[]}', documents: 0, bytes: 0 };
  let refusal: unknown;
  try {
    makeStagePlan([dumped], []);
  } catch (error) {
    refusal = error;
  }
  expect(refusal).toMatchObject({
    code: 'HF-ARCHIVE-002',
    params: { entry: expect.stringContaining(database) as unknown },
  });
});

test('a collection that is there twice, and metadata that is no metadata, are named', () => {
  const dumped = {
    database: 'juju',
    name: 'c',
    metadata: '{"indexes":[]}',
    documents: 0,
    bytes: 0,
  };
  expect(() => makeStagePlan([dumped, dumped], [])).toThrow('juju.c: it is there twice');
  for (const metadata of [
    '',
    '{"options":',
    '[]',
    '{"options":{"size":{"$numberInt":"x"}}}',
    '{"options":{"size":{"$numberInt":"2147483648"}}}',
    '{"options":{"size":{"$numberLong":""}}}',
    '{"options":{"size":{"$numberDouble":"much"}}}',
    '{"options":[]}',
    '{"options":1}',
    '{"indexes":{}}',
    '{"indexes":[1]}',
    '{"indexes":[{"key":{"a":1}}]}',
  ]) {
    expect(() => planOf(metadata, 0, 0)).toThrow('the metadata of juju.c');
  }
});

describe.each(mongodVersions)('a damaged dump on mongod %s', (version) => {
  let set: TestReplicaSet;
  let agent: MongoClient;
  let client: MongoClient;
  let live: Capture;

  beforeAll(async () => {
    set = await startReplicaSet({ version, auth: true });
    agent = await set.client();
    await agent.db('juju').collection('c').insertOne({ live: true });
    live = await captureServer(agent);
    client = await attemptClient(set, runId, 1);
  });
  afterEach(async () => {
    expect(await compareServers(live, agent)).toEqual([]);
    await dropStage({ client: agent, runId });
  });
  afterAll(async () => {
    await client.close();
    await dropAttemptUsers(agent, runId);
    await set.stop();
  });

  async function load(plan: StagePlan, bytes: Buffer): Promise<string> {
    const [collection] = plan.collections;
    if (collection === undefined) throw new Error('no collection');
    await loadCollection({
      client,
      runId,
      collection,
      read: (from) => chunked(bytes, from, 300_000),
      isTouchedInWindow: () => Promise.resolve(false),
      now: () => performance.now(),
      signal: new AbortController().signal,
    });
    return collection.stage;
  }

  test.each([
    ['cut short', numbered(5_000).subarray(0, 700), []],
    ['with an impossible length', Buffer.from('04000000', 'hex'), behind],
    ['with a negative length', Buffer.from('ffffffff', 'hex'), behind],
    ['with a document over 16 MiB', tooLong, behind],
  ])(
    '%s is refused where the harm is, and no document behind it is written',
    async (_, harm, rest) => {
      const bytes = Buffer.concat([...before, harm, ...rest]);
      const plan = planOf('{"indexes":[]}', 10_000, bytes.length);
      await expect(load(plan, bytes)).rejects.toMatchObject({
        code: 'HF-ARCHIVE-001',
        params: { where: `juju.c, byte ${harmAt}` },
      });
      const stage = agent.db('juju').collection<{ _id: number }>('hf-stage.1');
      expect(await stage.countDocuments({ _id: { $gte: 5_000 } })).toBe(0);
    },
  );

  test.each([
    ['an element that reaches past its document', reaching],
    ['an element of no known type', unknown],
    ['a nested document that does not end', nested],
  ])('%s is refused, and its document named', async (_, harm) => {
    const bytes = Buffer.concat([...before, harm, ...behind]);
    const plan = planOf('{"indexes":[]}', before.length + 1 + behind.length, bytes.length);
    await expect(load(plan, bytes)).rejects.toMatchObject({
      code: 'HF-ARCHIVE-001',
      params: { where: `juju.c, byte ${harmAt}` },
    });
    const stage = agent.db('juju').collection<{ _id: number }>('hf-stage.1');
    expect(await stage.countDocuments({ _id: 5_000 })).toBe(0);
  });

  test('metadata that lies is refused: options there are none of, an index that cannot be', async () => {
    const options = planOf('{"options":{"noSuchOption":true},"indexes":[]}', 0, 0);
    await expect(load(options, Buffer.alloc(0))).rejects.toMatchObject({
      code: 'HF-LOAD-004',
      retryable: false,
      params: { namespace: 'juju.c' },
    });
    await expect(load(options, Buffer.alloc(0))).rejects.toThrow('noSuchOption');
    const unique = `{"indexes":[{"v":2,"key":{"filler":1},"name":"lie","unique":true}]}`;
    const two = Buffer.concat(before.slice(0, 2));
    const plan = planOf(unique, 2, two.length);
    await load(plan, two);
    const { signal } = new AbortController();
    await expect(buildIndexes({ client, plan, signal })).rejects.toThrow(/juju.*lie/);
    await expect(buildIndexes({ client, plan, signal })).rejects.toMatchObject({
      code: 'HF-LOAD-005',
      retryable: false,
      params: { namespace: 'juju.c' },
    });
  });

  test('every name that mongod allows is allowed', async () => {
    const db = agent.db('odd*<>|?db');
    for (const name of ['a..b', 'ends.', ' ', 'x'.repeat(255 - 'odd*<>|?db.'.length)]) {
      await db.collection(name).insertOne({ x: 1 });
      expect(namespaceProblem('odd*<>|?db', name)).toBeUndefined();
    }
    await db.dropDatabase();
  });
});
