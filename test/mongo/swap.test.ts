import type { MongoClient } from 'mongodb';
import { captureServer, type Capture } from '../../mongo/capture';
import { compareServers } from '../../mongo/compare';
import { dropAttemptUsers } from '../../mongo/attempt-user';
import { listServer } from '../../mongo/server-listing';
import { makeStagePlan, type StagePlan } from '../../mongo/stage-plan';
import { rollbackSwap, swapDatabase, type SwapOptions } from '../../mongo/swap';
import { prepareSwap } from '../../mongo/swap-prepare';
import { dropOld, dropStage } from '../../mongo/swap-cleanup';
import { applyTtl } from '../../mongo/ttl';
import { fillAdversarial } from './adversarial-data';
import { mongodVersions, startReplicaSet, type TestReplicaSet } from './replica-set';
import { stageDump, takeDump, type Dump } from './restore-steps';

const runId = 'run-1';

async function leftovers(client: MongoClient): Promise<string[]> {
  const names = (await listServer(client)).map(({ database, name }) => `${database}.${name}`);
  const { databases } = await client.db('admin').admin().listDatabases({ nameOnly: true });
  const holdfast = databases.filter(({ name }) => name.startsWith('holdfast'));
  return [...names.filter((name) => name.includes('.hf-')), ...holdfast.map(({ name }) => name)];
}

/** Everything an accident can do to what was backed up. */
async function ruin(client: MongoClient): Promise<void> {
  const juju = client.db('juju');
  await juju.collection('types').deleteMany({});
  await juju.collection('indexed').drop();
  await juju.dropCollection('view');
  await juju.createCollection('view', { viewOn: 'new', pipeline: [{ $project: { _id: 1 } }] });
  await juju.createCollection('newer view', { viewOn: 'new' });
  await juju.collection('new').insertOne({ made: 'after the backup' });
  await juju.collection('new').createIndex({ made: 1 }, { unique: true });
  await client.db('after').collection('everything').insertOne({ x: 1 });
  await client.db('models').dropDatabase();
  await client.db('logs').collection('log').insertOne({ later: true });
}

describe.each(mongodVersions)('a restore into mongod %s with the roles Juju gives', (version) => {
  let set: TestReplicaSet;
  let client: MongoClient;
  let dump: Dump;
  let plan: StagePlan;
  let original: Capture;
  let ruined: Capture;

  beforeAll(async () => {
    set = await startReplicaSet({ version, auth: true });
    client = await set.client();
    await fillAdversarial(set, client, version);
    if (version === '6.0') {
      const listing = await listServer(client);
      expect(() => makeStagePlan([], listing)).toThrow('juju.weather is a time series');
      await client.db('juju').dropCollection('weather');
    }
    original = await captureServer(client);
    dump = await takeDump(set);
    await ruin(client);
    ruined = await captureServer(client);
  });
  afterAll(() => set.stop());

  test('stages everything beside the live data and leaves that as it is', async () => {
    plan = await stageDump(set, dump, { runId });
    await dropAttemptUsers(client, runId);
    expect(await compareServers(ruined, client)).toEqual([]);
    expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
  });

  test('swapped in a moment, the server equals the original', async () => {
    await prepareSwap({ client, runId }, plan);
    await swapDatabase({ client, runId });
    await applyTtl({ client, runId }, plan);
    expect(await compareServers(original, client)).toEqual([]);
  });

  test('rolled back it is exactly what it was before, and can be swapped again', async () => {
    await rollbackSwap({ client, runId });
    expect(await compareServers(ruined, client)).toEqual([]);
    await expect(applyTtl({ client, runId }, plan)).rejects.toMatchObject({ code: 'HF-SWAP-002' });
    await rollbackSwap({ client, runId });
    expect(await compareServers(ruined, client)).toEqual([]);
    await prepareSwap({ client, runId }, plan);
    await swapDatabase({ client, runId });
    await applyTtl({ client, runId }, plan);
    expect(await compareServers(original, client)).toEqual([]);
  });

  test('goes on after a stop at any rename, forwards and backwards', async () => {
    let stops = 0;
    const untilDone = async (step: (options: SwapOptions) => Promise<void>): Promise<void> => {
      for (;;) {
        const stop = new AbortController();
        const onProgress = (): void => stop.abort(new Error('stopped'));
        try {
          return await step({ client, runId, signal: stop.signal, onProgress });
        } catch (error) {
          if (error !== stop.signal.reason) throw error;
          stops++;
        }
      }
    };
    await untilDone(rollbackSwap);
    expect(await compareServers(ruined, client)).toEqual([]);
    expect(stops).toBeGreaterThan(5);
    await prepareSwap({ client, runId }, plan);
    await untilDone(swapDatabase);
    expect(stops).toBeGreaterThan(20);
    await applyTtl({ client, runId }, plan);
    expect(await compareServers(original, client)).toEqual([]);
  });

  test('rolls back from the middle, and what is behind it then changes nothing', async () => {
    await rollbackSwap({ client, runId });
    await prepareSwap({ client, runId }, plan);
    let renames = 0;
    let rollback: Promise<void> | undefined;
    const overtaken = swapDatabase({
      client,
      runId,
      onProgress: () => {
        if (++renames === 5) rollback = rollbackSwap({ client, runId });
      },
    });
    await expect(overtaken).rejects.toMatchObject({ code: 'HF-FENCE-001' });
    await rollback;
    expect(await compareServers(ruined, client)).toEqual([]);
    await prepareSwap({ client, runId }, plan);
    await swapDatabase({ client, runId });
    await applyTtl({ client, runId }, plan);
  });

  test('refuses when somebody else took a name, before anything moves', async () => {
    await rollbackSwap({ client, runId });
    await prepareSwap({ client, runId }, plan);
    await client.db('juju').renameCollection('new', 'elsewhere');
    await expect(swapDatabase({ client, runId })).rejects.toMatchObject({
      code: 'HF-SWAP-002',
      params: { namespace: 'juju.new' },
    });
    await client.db('juju').renameCollection('elsewhere', 'new');
    await rollbackSwap({ client, runId });
    expect(await compareServers(ruined, client)).toEqual([]);
    await prepareSwap({ client, runId }, plan);
    await swapDatabase({ client, runId });
    await applyTtl({ client, runId }, plan);
  });

  test('numbers stages so that nothing on the server has their name', async () => {
    const listing = await listServer(client);
    const next = makeStagePlan(dump.collections, listing);
    const taken = new Set(listing.map(({ name }) => name));
    for (const { stage, n } of next.collections) {
      expect(taken.has(stage)).toBe(false);
      expect(taken.has(`hf-old.${n}`)).toBe(false);
    }
  });

  test('cleaned up nothing is left but the restored data, however often it is asked for', async () => {
    expect(await leftovers(client)).not.toEqual([]);
    for (let times = 0; times < 2; times++) {
      await dropOld({ client, runId });
      await dropStage({ client, runId });
    }
    expect(await leftovers(client)).toEqual([]);
    expect(await compareServers(original, client)).toEqual([]);
  });
});
