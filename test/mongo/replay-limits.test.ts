import { BSON, Long, Timestamp, type Document } from 'bson';
import type { MongoClient } from 'mongodb';
import { dropAttemptUsers } from '../../mongo/attempt-user';
import { loadCollection } from '../../mongo/load-collection';
import { replayOplog, type ReplayResult } from '../../mongo/oplog-replay';
import { makeStagePlan, type StagePlan } from '../../mongo/stage-plan';
import { dropStage } from '../../mongo/swap-cleanup';
import { mongodVersions, startReplicaSet, type TestReplicaSet } from './replica-set';
import { attemptClient, chunked } from './restore-steps';

const runId = 'limits';

function entries(...list: readonly Document[]): Buffer {
  return Buffer.concat(
    list.map((entry, at) =>
      BSON.serialize({ ts: new Timestamp({ t: 1, i: at + 1 }), t: Long.ONE, v: 2, ...entry }),
    ),
  );
}

function put(ns: string, _id: number): Document {
  return { op: 'i', ns, o: { _id, line: 'z'.repeat(50) } };
}

function change(ns: string, _id: number): Document {
  return { op: 'u', ns, o: { $v: 1, $set: { x: 1 } }, o2: { _id } };
}

describe.each(mongodVersions)('a replay into mongod %s', (version) => {
  let set: TestReplicaSet;
  let agent: MongoClient;
  let client: MongoClient;
  let plan: StagePlan;

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

  async function stage(options: string, ids: readonly number[]): Promise<void> {
    const bytes = Buffer.concat(ids.map((_id) => BSON.serialize({ _id, line: 'z'.repeat(50) })));
    const metadata = `{"options":${options},"indexes":[],"collectionName":"c"}`;
    const input = {
      database: 'd',
      name: 'c',
      metadata,
      documents: ids.length,
      bytes: bytes.length,
    };
    plan = makeStagePlan([input], []);
    for (const collection of plan.collections) {
      await loadCollection({
        client,
        runId,
        collection,
        read: (from) => chunked(bytes, from),
        isTouchedInWindow: () => Promise.resolve(false),
        now: () => 0,
        signal: new AbortController().signal,
      });
    }
  }

  function replay(oplog: Buffer): Promise<ReplayResult> {
    const { signal } = new AbortController();
    return replayOplog({ client, runId, plan, read: () => chunked(oplog, 0, 999), signal });
  }

  async function inStage(): Promise<unknown[]> {
    const found = await agent.db('d').collection('hf-stage.1').find().toArray();
    return found.map(({ _id }) => _id as unknown);
  }

  test('forgives an update that met nothing only when the document is deleted later', async () => {
    await stage('{}', [1]);
    const gone = { op: 'd', ns: 'd.c', o: { _id: 2 } };
    const { changes } = await replay(
      entries(change('d.c', 2), change('d.c', 1), gone, put('d.c', 2), change('d.c', 2)),
    );
    expect(changes).toEqual({ 1: { inserts: 1, deletes: 1, updates: 3 } });
    expect(await inStage()).toEqual([1, 2]);
    await expect(replay(entries(change('d.c', 3), change('d.c', 1)))).rejects.toMatchObject({
      code: 'HF-REPLAY-002',
      params: { count: 1, namespace: 'd.c' },
    });
  });

  test('leaves alone what Holdfast never touches, inside transactions too', async () => {
    await stage('{}', [1]);
    const applyOps = [
      put('admin.system.users', 1),
      put('config.transactions', 1),
      put('d.hf-old.3', 1),
      put('holdfast.progress', 1),
      put('backups.x', 1),
      put('d.c', 5),
    ];
    const command = { op: 'c', ns: 'admin.$cmd', o: { applyOps } };
    await replay(entries(command, { op: 'c', ns: 'backups.$cmd', o: { drop: 'x' } }));
    expect(await inStage()).toEqual([1, 5]);
  });

  test('refuses what it cannot follow, naming the entry', async () => {
    await stage('{}', [1]);
    for (const [o, kind] of [
      [{ renameCollection: 'd.c', to: 'd.e' }, 'renameCollection'],
      [{ convertToCapped: 'c', size: 5 }, 'convertToCapped'],
      [{ importCollection: 'c' }, 'importCollection'],
      [{ whatever: 'c' }, 'whatever'],
    ] as const) {
      await expect(replay(entries({ op: 'c', ns: 'd.$cmd', o }))).rejects.toMatchObject({
        code: 'HF-REPLAY-001',
        params: { kind, position: '1.1' },
      });
    }
    await expect(replay(entries(put('d.unknown', 1)))).rejects.toMatchObject({
      code: 'HF-REPLAY-002',
    });
    const drop = { op: 'c', ns: 'd.$cmd', o: { drop: 'unknown' } };
    await expect(replay(entries(put('d.unknown', 1), drop))).resolves.toMatchObject({ entries: 2 });
  });

  test('carries documents of 16 MB', async () => {
    await stage('{}', [1]);
    const empty = BSON.calculateObjectSize({ _id: 2, line: '' });
    const o = { _id: 2, line: 'z'.repeat(16 * 1024 * 1024 - empty) };
    await replay(entries({ op: 'i', ns: 'd.c', o }, put('d.c', 3)));
    expect(await inStage()).toEqual([1, 2, 3]);
  });

  test('keeps the order of a capped collection that was pushing out while it was read', async () => {
    // Read when 4, 5 and 6 were left; the window began with 2 and went on to 8.
    await stage('{"capped":true,"size":{"$numberInt":"65536"}}', [4, 5, 6]);
    const window = entries(...[2, 3, 4, 5, 6, 7, 8].map((id) => put('d.c', id)));
    await replay(window);
    expect(await inStage()).toEqual([4, 5, 6, 7, 8]);
    await replay(window);
    expect(await inStage()).toEqual([4, 5, 6, 7, 8]);
  });
});
