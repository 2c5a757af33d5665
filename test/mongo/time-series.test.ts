import type { MongoClient } from 'mongodb';
import { dropAttemptUsers } from '../../mongo/attempt-user';
import { captureServer, type Capture } from '../../mongo/capture';
import { compareCaptures, compareServers } from '../../mongo/compare';
import { listServer } from '../../mongo/server-listing';
import { makeStagePlan, planStages, type StagePlan } from '../../mongo/stage-plan';
import { rollbackSwap, swapDatabase } from '../../mongo/swap';
import { prepareSwap } from '../../mongo/swap-prepare';
import { dropOld, dropStage } from '../../mongo/swap-cleanup';
import { bucketsOf } from '../../mongo/time-series';
import { applyTtl } from '../../mongo/ttl';
import { startReplicaSet, type TestReplicaSet } from './replica-set';
import { stageDump, takeDump, type Dump } from './restore-steps';

const runId = 'series';
const day = 86_400_000;
const someDay = Date.UTC(2026, 1, 1);

interface Measurement {
  at: Date;
  station: number;
  value: number | string;
}

function measurements(from: number, count: number, station = 7): Measurement[] {
  return Array.from({ length: count }, (_, at) => ({
    at: new Date(someDay + ((from + at) * day) / 24),
    station: at % station,
    value: at / 3,
  }));
}

async function fill(client: MongoClient): Promise<void> {
  const db = client.db('sky');
  const timeseries = { timeField: 'at', metaField: 'station' };
  await db.createCollection('wind', { timeseries, expireAfterSeconds: 400_000_000 });
  await db.collection('wind').insertMany(measurements(0, 20_000, 97));
  await db.collection('wind').createIndex({ station: 1, at: -1 }, { name: 'newest' });
  await db.createCollection('rain', { timeseries: { ...timeseries, granularity: 'hours' } });
  await db.collection('rain').insertMany(measurements(0, 300));
  await db.createCollection('gone', { timeseries });
  await db.collection('gone').insertMany(measurements(0, 50));
  await db.createCollection('made again', { timeseries });
  await db.collection('made again').insertMany(measurements(0, 50));
  await db.collection('stations').insertMany(Array.from({ length: 9 }, (_, at) => ({ at })));
}

/** What happens while the dump is taken. */
async function change(client: MongoClient): Promise<void> {
  const db = client.db('sky');
  await db.collection('wind').insertMany(measurements(30_000, 400, 5));
  await db.collection('wind').deleteMany({ station: 3 });
  await db.command({ collMod: 'wind', expireAfterSeconds: 300_000_000 });
  await db.collection('rain').insertMany(measurements(10, 40));
  await db.dropCollection('gone');
  await db.dropCollection('made again');
  await db.createCollection('made again', { timeseries: { timeField: 'at' } });
  await db.collection('made again').insertMany(measurements(5, 3));
  await db.createCollection('new', { timeseries: { timeField: 'at', granularity: 'minutes' } });
  await db.collection('new').insertMany(measurements(0, 30));
}

describe('time series of a dump on mongod 6.0 with the roles Juju gives', () => {
  let source: TestReplicaSet;
  let set: TestReplicaSet;
  let client: MongoClient;
  let dump: Dump;
  let original: Capture;
  let before: Capture;

  beforeAll(async () => {
    [source, set] = await Promise.all([
      startReplicaSet({ version: '6.0', auth: true }),
      startReplicaSet({ version: '6.0', auth: true }),
    ]);
    client = await set.client();
    const origin = await source.client();
    await fill(origin);
    // Every stream waits for it: no scan ends, and no window, before it has all happened.
    let changes: Promise<void> | undefined;
    dump = await takeDump(source, () => (changes ??= change(origin)));
    original = await captureServer(origin);
    await client.db('sky').collection('stations').insertOne({ wrong: true });
    before = await captureServer(client);
  });
  afterAll(async () => {
    await source.stop();
    await set.stop();
  });

  const unload = async (): Promise<void> => {
    await dropAttemptUsers(client, runId);
    await rollbackSwap({ client, runId });
    await dropStage({ client, runId });
    expect(await compareServers(before, client)).toEqual([]);
    for (const name of ['wind', 'rain', 'gone', 'made again', 'new']) {
      expect(await bucketsOf(client, 'sky', name)).toBeUndefined();
    }
  };

  const swap = async (plan: StagePlan): Promise<void> => {
    await dropAttemptUsers(client, runId);
    await prepareSwap({ client, runId }, plan);
    await swapDatabase({ client, runId });
    await applyTtl({ client, runId }, plan);
  };

  it('are staged unseen, and appear with the rest as they were at the end of the window', async () => {
    const plan = await stageDump(set, dump, { runId });
    expect(compareCaptures(before, await captureServer(client))).toEqual([]);
    expect((await listServer(client)).filter(({ type }) => type === 'timeseries')).toEqual([]);
    await swap(plan);
    expect(await compareServers(original, client)).toEqual([]);
    await unload();
  });

  it('go on where they were after a stop in load and replay, and again when all is done', async () => {
    const live = await listServer(client);
    const plan = makeStagePlan(dump.collections, live);
    let stops = 0;
    let staged: StagePlan | undefined;
    for (let epoch = 1; staged === undefined; epoch++) {
      const stop = new AbortController();
      const stopAt = (): void => stop.abort(new Error('stopped'));
      const options = {
        runId,
        epoch,
        plan,
        signal: stop.signal,
        ...(epoch === 1
          ? {
              onRead: (name: string, at: number) =>
                name === 'sky.wind' && at > 0 ? stopAt() : undefined,
            }
          : {}),
        ...(epoch === 2 ? { onReplay: stopAt } : {}),
      };
      try {
        staged = await stageDump(set, dump, options);
      } catch (error) {
        if (error !== stop.signal.reason) throw error;
        stops++;
      }
    }
    expect(stops).toBe(2);
    await swap(staged);
    await swap(staged);
    expect(await compareServers(original, client)).toEqual([]);
    await dropOld({ client, runId });
    await dropStage({ client, runId });
    expect(await compareServers(original, client)).toEqual([]);
    expect(await bucketsOf(client, 'sky', 'gone')).toBeUndefined();
    await client.db('sky').dropDatabase();
    await client.db('sky').collection('stations').insertOne({ wrong: true });
    before = await captureServer(client);
  });

  it('are refused where something has their name, and that stays as it is', async () => {
    const db = client.db('sky');
    const empty = { ...dump, oplog: Buffer.alloc(0) };
    await db.createCollection('wind', { timeseries: { timeField: 'when' } });
    const live = await listServer(client);
    expect(() => makeStagePlan(dump.collections, live)).toThrow('sky.wind is a time series');
    const plan = planStages(dump.collections, []);
    const attempt = stageDump(set, empty, { runId, plan });
    await expect(attempt).rejects.toMatchObject({
      code: 'HF-SWAP-003',
      params: { namespace: 'sky.wind' },
    });
    expect(await bucketsOf(client, 'sky', 'wind')).toBeDefined();
    await db.dropCollection('wind');
    await db.createCollection('rain');
    const listing = await listServer(client);
    expect(() => makeStagePlan(dump.collections, listing)).toThrow('drop what has its name');
    await db.dropCollection('rain');
    await unload();
    // What a killed attempt tried the options with stands in no restore's way, and goes with the rest.
    await db.createCollection('hf-stage.9', { timeseries: { timeField: 'at' } });
    expect(makeStagePlan(dump.collections, await listServer(client)).nextNumber).toBeGreaterThan(
      10,
    );
    await unload();
    expect((await listServer(client)).filter(({ name }) => name.startsWith('hf-'))).toEqual([]);
    // Buckets without a series: left by somebody, and none of Holdfast's business.
    await db.command({
      create: 'system.buckets.wind',
      clusteredIndex: true,
      timeseries: { timeField: 'at' },
    });
    await expect(stageDump(set, empty, { runId, plan })).rejects.toMatchObject({
      code: 'HF-SWAP-003',
    });
    await dropStage({ client, runId });
    expect(await bucketsOf(client, 'sky', 'wind')).toBeDefined();
    await db.command({ drop: 'system.buckets.wind' });
    await unload();
  });

  it('are refused with options that mongod refuses, and with an index changed in the window', async () => {
    const [wind] = dump.collections.filter(({ name }) => name === 'wind');
    if (wind === undefined) throw new Error('no wind');
    const metadata = wind.metadata.replace('"granularity":"seconds"', '"granularity":"ages"');
    const hostile = { ...dump, collections: [{ ...wind, metadata }] };
    await expect(stageDump(set, hostile, { runId })).rejects.toMatchObject({
      code: 'HF-LOAD-004',
      retryable: false,
      params: { namespace: 'sky.wind' },
    });
    await unload();
    const origin = await source.client();
    let changes: Promise<unknown> | undefined;
    const indexed = await takeDump(source, async () => {
      changes ??= origin.db('sky').collection('rain').createIndex({ at: 1 }, { name: 'old' });
      await changes;
    });
    await expect(stageDump(set, indexed, { runId })).rejects.toMatchObject({
      code: 'HF-REPLAY-001',
      params: { reason: 'an index of the time series sky.rain was changed' },
    });
    await unload();
  });
});
