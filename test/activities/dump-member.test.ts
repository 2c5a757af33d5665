import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import type { Document, MongoClient } from 'mongodb';
import { openDumpMember } from '../../activities/backup/open-dump-member';
import type { ActivityDependencies } from '../../activities/dependencies';
import { Progress } from '../../activities/progress';
import { loadConfig } from '../../config/load';
import { unlimited } from '../../core/byte-budget';
import { captureServer } from '../../mongo/capture';
import { compareCaptures } from '../../mongo/compare';
import { dumpServer } from '../../mongo/dump';
import { rankMembers, readSetMembers } from '../../mongo/set-members';
import { bareEnvironment, Temporary } from '../config/temporary';
import { writeDumpDirectory } from '../mongo/dump-directory';
import { MemorySink } from '../mongo/memory-sink';
import { mongodVersions, startReplicaSet, until, type TestReplicaSet } from '../mongo/replica-set';
import { runTool } from '../mongo/tools';

/** What the oplog window must bring: no index, since building one waits for the dead member. */
async function writeMeanwhile(client: MongoClient): Promise<void> {
  const juju = client.db('juju');
  const units = juju.collection<{ _id: number; n: number }>('units');
  for (let round = 0; round < 10; round++) {
    await units.insertMany([{ _id: 1_000_000 + round, n: round }]);
    await units.updateMany({ _id: { $lt: 100 } }, { $inc: { n: 1 } });
    await units.deleteOne({ _id: 4_999 - round });
  }
  await juju.collection('short-lived').drop();
  await juju.collection('made-meanwhile').insertOne({ x: 1 }, { writeConcern: { w: 'majority' } });
}

describe.each(mongodVersions)('a set of three members, mongod %s', (version) => {
  let set: TestReplicaSet;
  let temporary: Temporary;
  let client: MongoClient;
  const progress = new Progress(
    { heartbeat: () => undefined, interval: 1_000, now: () => Date.now() },
    'dumping',
    'bytes',
  );
  const opened: MongoClient[] = [];
  const warnings: string[] = [];

  beforeAll(async () => {
    set = await startReplicaSet({
      version,
      auth: true,
      members: 3,
      setParameter: { enableTestCommands: '1' },
    });
    temporary = await Temporary.create();
    client = await set.client();
    const settings = { writeConcern: { w: 3 } };
    await client
      .db('juju')
      .collection<{ _id: number }>('units')
      .insertMany(
        Array.from({ length: 5_000 }, (_, _id) => ({ _id, n: 0, text: 'x'.repeat(_id % 100) })),
        settings,
      );
    await client.db('juju').collection('short-lived').insertOne({ gone: 'soon' }, settings);
    // A member that copies from a late one is late itself.
    await reconfigure(({ settings: all }) => {
      Object.assign(all, { chainingAllowed: false });
    });
    await until('both secondaries', async () => {
      const members = await readSetMembers(await set.direct());
      return members.filter(({ state }) => state === 'secondary').length === 2;
    });
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((each) => each.close()));
    warnings.splice(0);
  });
  afterAll(async () => {
    progress.stop();
    await set.stop();
    await temporary.remove();
  });

  async function reconfigure(change: (config: Document) => void): Promise<void> {
    const admin = client.db('admin');
    const config: Document = (await admin.command({ replSetGetConfig: 1 })).config;
    change(config);
    const next = { ...config, version: Number(config['version']) + 1 };
    await admin.command({ replSetReconfig: next });
  }

  const host = (index: number): string => set.target.hosts[index] ?? '';

  async function dependencies(
    hosts: readonly string[],
    readFrom: string,
  ): Promise<ActivityDependencies> {
    const password = await temporary.write('password', set.target.password?.reveal() ?? '');
    const environment = bareEnvironment();
    const { config } = await loadConfig({
      environment,
      file: await temporary.write(
        'holdfast.yaml',
        JSON.stringify({
          controller: { root: temporary.path },
          mongo: {
            hosts,
            replicaSet: set.target.replicaSet,
            tls: { caFile: set.target.tls?.caFile },
            username: set.target.username,
            password: { file: password },
            readFrom,
          },
          storage: { type: 'file', path: 'storage' },
        }),
      ),
    });
    const openStorage = (): never => {
      throw new Error('no storage here');
    };
    return { config, environment, openStorage, pace: { read: unlimited, write: unlimited } };
  }

  interface Opening {
    readonly hosts?: readonly string[];
    readonly readFrom?: string;
    readonly bound?: string | undefined;
    readonly directory?: string;
  }

  async function open(opening: Opening = {}): Promise<{ client: MongoClient; node: string }> {
    const directory = opening.directory ?? (await mkdtemp(join(temporary.path, 'run-')));
    const chosen = await openDumpMember(
      await dependencies(opening.hosts ?? [host(0)], opening.readFrom ?? 'secondary'),
      {
        progress,
        signal: new AbortController().signal,
        warn: (message, fields) => void warnings.push(`${message} ${JSON.stringify(fields)}`),
      },
      { directory, bound: opening.bound, patience: 1_000 },
    );
    opened.push(chosen);
    const hello = await chosen.db('admin').command({ hello: 1 });
    return { client: chosen, node: String(hello['me']) };
  }

  test('is dumped from a secondary, its own where it is one, or from the primary when that is asked for', async () => {
    const found = await open();
    expect([host(1), host(2)]).toContain(found.node);
    const result = await dumpServer(found.client, new MemorySink());
    expect(result.node).toBe(found.node);
    expect(result.collections.find(({ name }) => name === 'units')?.documents).toBe(5_000);
    expect((await open({ hosts: [host(2)] })).node).toBe(host(2));
    expect((await open({ hosts: [host(1), host(0)] })).node).toBe(host(1));
    expect((await open({ hosts: [host(2)], readFrom: 'primary' })).node).toBe(host(0));
    expect(warnings).toEqual([]);
  });

  test('is dumped from the member it began with, also when that became the primary', async () => {
    expect((await open({ bound: host(2) })).node).toBe(host(2));
    expect((await open({ bound: host(1) })).node).toBe(host(1));
    expect((await open({ bound: host(0) })).node).toBe(host(0));
    expect((await open({ bound: 'gone.example:1' })).node).not.toBe(host(0));
  });

  test('that lag behind are not read', async () => {
    const stopped = await set.direct(1);
    const failPoint = { configureFailPoint: 'rsSyncApplyStop' };
    await stopped.db('admin').command({ ...failPoint, mode: 'alwaysOn' });
    try {
      const rows = client.db('juju').collection('lag');
      const seen = async () => readSetMembers(await set.direct());
      const of = async (index: number) => (await seen()).find((each) => each.host === host(index));
      await until('the secondary to lag', async () => {
        await rows.insertOne({}, { writeConcern: { w: 1 } });
        const other = (await of(2))?.lag ?? 9_999;
        return ((await of(1))?.lag ?? 0) >= 5_000 && other < 2_500;
      });
      const ranked = rankMembers(await seen(), 'secondary', 4_000);
      expect(ranked.map((member) => member.host)).toEqual([host(2), host(0), host(1)]);
    } finally {
      await stopped.db('admin').command({ ...failPoint, mode: 'off' });
    }
  });

  test('starts again on another member when its own is killed in the middle, and is right', async () => {
    const other = await startReplicaSet({ version });
    const directory = await mkdtemp(join(tmpdir(), 'holdfast-member-'));
    const run = await mkdtemp(join(temporary.path, 'run-'));
    try {
      const first = await open({ directory: run, hosts: [host(2)] });
      expect(first.node).toBe(host(2));
      const sink = new MemorySink();
      let killed: Promise<void> | undefined;
      sink.beforeWrite = async (stream, { documents }) => {
        if (stream !== 'juju.units' || documents < 1_000) return;
        await (killed ??= set.kill('SIGKILL', 2));
      };
      const batchBytes = 16 * 1024;
      await expect(dumpServer(first.client, sink, { batchBytes })).rejects.toMatchObject({
        code: 'HF-MONGO-001',
      });
      expect(sink.streams.get('juju.units')?.done).toBe(false);

      // The configuration names the dead member alone; the run remembers the others.
      const second = await open({ directory: run, hosts: [host(2)], bound: sink.binding?.node });
      expect(second.node).toBe(host(1));
      let captured = await captureServer(client);
      let held = false;
      sink.beforeWrite = async (stream, { documents }) => {
        if (stream !== 'juju.units' || documents < 1_000 || held) return;
        held = true;
        await writeMeanwhile(client);
        captured = await captureServer(client);
      };
      const result = await dumpServer(second.client, sink, { batchBytes, resume: sink.resume() });
      expect(result.node).toBe(host(1));
      expect(sink.resets).toEqual([`node was ${host(2)}, now it is ${host(1)}`]);
      await writeDumpDirectory(directory, result, sink);
      await runTool('mongorestore', [...other.toolArguments(), '--oplogReplay', directory]);
      const restored = await captureServer(await other.client());
      const differences = compareCaptures(captured, restored);
      expect(differences.filter(({ what }) => what !== 'user' && what !== 'role')).toEqual([]);
    } finally {
      await other.stop();
      await rm(directory, { recursive: true, force: true });
    }
  });

  test('is dumped from the primary when no other secondary is up than a hidden one', async () => {
    await reconfigure(({ members: [, second] }) => {
      Object.assign(second, { hidden: true, priority: 0 });
    });
    await until('the dead member to be noticed', async () => {
      const members = await readSetMembers(await set.direct());
      return members.some((each) => each.host === host(2) && each.state === 'other');
    });
    expect((await open()).node).toBe(host(0));
    expect((await open({ hosts: [host(1)] })).node).toBe(host(0));
    expect(warnings).toEqual([]);
  });
});

test('members are ranked: those that keep up, the nearest first, the primary, hidden ones, late ones', () => {
  const member = {
    state: 'secondary',
    lag: 0,
    hidden: false,
    delayed: false,
    self: false,
  } as const;
  const ranked = rankMembers(
    [
      { ...member, host: 'down', state: 'other' },
      { ...member, host: 'delayed', delayed: true, lag: 1 },
      { ...member, host: 'late', lag: 10_001 },
      { ...member, host: 'hidden', hidden: true },
      { ...member, host: 'primary', state: 'primary' },
      { ...member, host: 'behind', lag: 10_000 },
      { ...member, host: 'near', lag: 9_000, self: true },
      { ...member, host: 'fresh', lag: 1_000 },
    ],
    'secondary',
  );
  const names = ranked.map(({ host }) => host);
  expect(names).toEqual(['near', 'fresh', 'behind', 'primary', 'hidden', 'delayed', 'late']);
  expect(rankMembers(ranked, 'primary')[0]?.host).toBe('primary');
});
