import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BSON } from 'mongodb';
import { frames } from '../../mongo/bson-frames';
import { captureServer } from '../../mongo/capture';
import { compareCaptures } from '../../mongo/compare';
import { dumpServer } from '../../mongo/dump';
import { compareOpTimes, readLastWrite } from '../../mongo/oplog-window';
import { writeDumpDirectory } from './dump-directory';
import { MemorySink } from './memory-sink';
import { mongodVersions, startReplicaSet, until, type TestReplicaSet } from './replica-set';
import { runTool } from './tools';
import { Writer } from './writer';

describe.each(mongodVersions)('a dump of mongod %s while somebody writes', (version) => {
  let set: TestReplicaSet;
  let other: TestReplicaSet;
  let directory: string;

  beforeAll(async () => {
    set = await startReplicaSet({ version, auth: true });
    other = await startReplicaSet({ version });
    directory = await mkdtemp(join(tmpdir(), 'holdfast-live-'));
  });
  afterAll(async () => {
    await set.stop();
    await other.stop();
    await rm(directory, { recursive: true, force: true });
  });

  test('has the state at the end of its window, as mongorestore with oplogReplay shows', async () => {
    const client = await set.client();
    const pinned = await set.direct();
    const juju = client.db('juju');
    await juju
      .collection<{ _id: number }>('units')
      .insertMany(
        Array.from({ length: 5_000 }, (_, _id) => ({ _id, n: 0, text: 'x'.repeat(_id % 100) })),
      );
    await juju.collection('txns').insertOne({ round: -1 });
    await juju.collection('short-lived').insertOne({ gone: 'soon' });
    await juju.createCollection('view', { viewOn: 'units', pipeline: [] });
    await client.db('models').collection('settings').insertOne({ key: 'a', revision: 0 });

    const writer = new Writer(client);
    const sink = new MemorySink();
    let before = await readLastWrite(pinned);
    let atCapture = before;
    let captured = await captureServer(client);
    let held = false;
    sink.beforeWrite = async (stream, { documents }) => {
      if (stream !== 'juju.units' || documents < 1_000 || held) return;
      held = true;
      // The scan waits here: everything from now on is in its window or in what it reads next.
      before = await readLastWrite(pinned);
      writer.start();
      await until('enough entries', () => Promise.resolve(writer.rounds > 24));
      await writer.stop();
      atCapture = await readLastWrite(pinned);
      captured = await captureServer(client);
    };
    const result = await dumpServer(pinned, sink, { batchBytes: 16 * 1024 });
    expect(held).toBe(true);
    expect(result.restarts).toBe(0);
    const { window } = result;
    expect(window.entries).toBeGreaterThan(1_000);
    expect(compareOpTimes(window.start, before.last)).toBeLessThanOrEqual(0);
    expect(compareOpTimes(window.end, atCapture.last)).toBeGreaterThanOrEqual(0);
    const namespaces = [...frames(sink.bytes('oplog'))].map((entry) =>
      String(BSON.deserialize(entry)['ns']),
    );
    expect(namespaces).toHaveLength(window.entries);
    expect(namespaces.filter((ns) => /^(holdfast|config|local)\./.test(ns))).toEqual([]);

    await writeDumpDirectory(directory, result, sink);
    await runTool('mongorestore', [...other.toolArguments(), '--oplogReplay', directory]);
    const restored = await captureServer(await other.client());
    const differences = compareCaptures(captured, restored);
    expect(differences.filter(({ what }) => what !== 'user' && what !== 'role')).toEqual([]);
  });

  test('also ends on a server where nothing is written at all', async () => {
    const pinned = await set.direct();
    const sink = new MemorySink();
    const started = performance.now();
    const result = await dumpServer(pinned, sink);
    expect(performance.now() - started).toBeLessThan(20_000);
    expect(compareOpTimes(result.window.end, result.window.start)).toBeGreaterThanOrEqual(0);
    expect(sink.streams.get('oplog')?.done).toBe(true);
  });

  test('that had ended when its worker died has nothing left to read and the same window', async () => {
    const client = await set.client();
    const sink = new MemorySink();
    const first = await dumpServer(await set.direct(), sink);
    await client.db('juju').collection('txns').insertOne({ later: true });
    sink.beforeWrite = (stream) => Promise.reject(new Error(`${stream} is written again`));
    const second = await dumpServer(await set.direct(), sink, { resume: sink.resume() });
    expect(second.window).toEqual(first.window);
    expect(second.collections).toEqual(first.collections);
  });

  test('goes on over collections that were dropped, and made anew, while no worker ran', async () => {
    const client = await set.client();
    const churn = client.db('churn');
    const majority = { writeConcern: { w: 'majority' } } as const;
    for (const name of ['dropped', 'replaced']) {
      const documents = Array.from({ length: 3_000 }, (_, n) => ({ n, text: 'x'.repeat(100) }));
      // The scan reads under majority: it must find them all.
      await churn.collection(name).insertMany(documents, majority);
    }
    const sink = new MemorySink();
    const stop = new AbortController();
    const begun = new Set<string>();
    // Whichever is first waits for the other: one scan may be done before the other has begun.
    sink.beforeWrite = async (stream, { documents }) => {
      if (!stream.startsWith('churn.') || documents <= 1_000) return;
      begun.add(stream);
      await until('both of them and the tail', () =>
        Promise.resolve(begun.size === 2 && sink.streams.has('oplog')),
      );
      stop.abort(new Error('enough'));
    };
    const options = { batchBytes: 8 * 1024, signal: stop.signal };
    await expect(dumpServer(await set.direct(), sink, options)).rejects.toThrow('enough');
    await churn.collection('dropped').drop();
    await churn.collection('replaced').drop();
    const fresh = Array.from({ length: 3_000 }, (_, n) => ({ fresh: n }));
    await churn.collection('replaced').insertMany(fresh, majority);
    sink.beforeWrite = () => Promise.resolve();
    const result = await dumpServer(await set.direct(), sink, { resume: sink.resume() });
    expect(sink.resets).toEqual([]);
    expect(result.restarts).toBe(0);
    // What is spooled of the replaced one is a part of what it was, never the two spliced together.
    expect(sink.bytes('churn.replaced').includes('fresh')).toBe(false);
    const names = [...frames(sink.bytes('oplog'))].flatMap((entry) => {
      const o: unknown = BSON.deserialize(entry)['o'];
      return typeof o === 'object' && o !== null && 'drop' in o ? [String(o.drop)] : [];
    });
    expect(names).toEqual(expect.arrayContaining(['dropped', 'replaced']));
    await churn.dropDatabase();
  });

  test('goes on after a restart of mongod, and its tail meets the entry it holds again', async () => {
    const client = await set.client();
    const sink = new MemorySink();
    const stop = new AbortController();
    sink.beforeWrite = async (stream, { documents }) => {
      if (stream !== 'juju.units' || documents < 2_000) return;
      await until('the tail', () => Promise.resolve(sink.streams.has('oplog')));
      stop.abort(new Error('enough'));
    };
    const options = { batchBytes: 8 * 1024, signal: stop.signal };
    await expect(dumpServer(await set.direct(), sink, options)).rejects.toThrow('enough');
    await set.restart();
    await client
      .db('juju')
      .collection('txns')
      .insertOne({ after: 'the restart' }, { writeConcern: { w: 'majority' } });
    sink.beforeWrite = () => Promise.resolve();
    const result = await dumpServer(await set.direct(), sink, { resume: sink.resume() });
    expect(sink.resets).toEqual([]);
    expect(sink.binds).toBe(1);
    expect(result.window.firstEntrySha256).toMatch(/^[0-9a-f]{64}$/);
    expect(sink.bytes('oplog').includes('the restart')).toBe(true);
  });
});
