import {
  appendFile,
  mkdtemp,
  open,
  readFile,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { lineSchemas } from '../../client/json-schema';
import { agentUnitName } from '../../examples/controller/build-controller';
import type { Capture, CapturedCollection } from '../../mongo/capture';
import { compareCaptures } from '../../mongo/compare';
import { fillAdversarial } from '../mongo/adversarial-data';
import { runTool } from '../mongo/tools';
import { Writer } from '../mongo/writer';
import { Site } from './site';
import { captureSite, catchMoment, journalState, runFileSize } from './state';
import { toolArguments } from './tool-arguments';

const reportSchema = z.object({
  kind: z.literal('restoreCollections'),
  read: z.number(),
  archiveSize: z.number().optional(),
  replaced: z.number(),
});

/** A database under another name, and nothing else, of a capture. */
function asDatabase(capture: Capture, database: string, name: string): Capture {
  const collections = capture.collections
    .filter(({ namespace }) => namespace.startsWith(`${database}.`))
    .map((one): CapturedCollection => ({
      ...one,
      namespace: `${name}${one.namespace.slice(database.length)}`,
    }))
    .toSorted((a, b) => (a.namespace < b.namespace ? -1 : 1));
  return { ...capture, collections, users: {}, roles: {} };
}

function without(capture: Capture, ...databases: readonly string[]): Capture {
  const collections = capture.collections.filter(
    ({ namespace }) => !databases.some((name) => namespace.startsWith(`${name}.`)),
  );
  return { ...capture, collections };
}

const shapes = { '6.0': ['', '--gzip', '--archive'], '4.4': ['--archive --gzip'] } as const;

describe.each(['6.0', '4.4'] as const)('collections of a backup of mongod %s', (mongod) => {
  let site: Site;
  let before: Capture;
  let id: string;

  beforeAll(async () => {
    site = await Site.start({ mongod, seed: 71, size: 6_000_000 });
    await site.startWorkers();
    const client = site.database();
    await fillAdversarial({ toolArguments: () => toolArguments(site) }, client, mongod);
    const writer = new Writer(client);
    const creating = site.begin('create', 'under load', '--quiet');
    await catchMoment('the window is open', async () => {
      return (await runFileSize(site, 'dump/checkpoint-1.json')) !== undefined;
    });
    await site.signalWorker('host', 'SIGSTOP');
    writer.start();
    await catchMoment('the writer has written', () => Promise.resolve(writer.rounds >= 12));
    await writer.stop();
    await client.db('holdfast').dropDatabase();
    before = (await captureSite(site)).database;
    await client.close();
    await site.signalWorker('host', 'SIGCONT');
    const created = await creating.result;
    expect(created.stderr).not.toContain('error');
    id = created.stdout.trim();
  });
  afterAll(() => site.stop());

  const capture = async (): Promise<Capture> => (await captureSite(site)).database;
  const agentPid = async (): Promise<number | undefined> =>
    (await site.controller.services.state(agentUnitName)).pid;
  const drop = async (...databases: readonly string[]): Promise<void> => {
    const client = site.database();
    for (const name of databases) await client.db(name).dropDatabase();
    await client.close();
  };

  it('come under another name as they were at the end of the window, and little is read', async () => {
    const agent = await agentPid();
    const args = ['restore', id, '--only', 'juju.units', '--as', 'scratch.units', '--json'];
    const { status, stdout, stderr } = await site.holdfast(...args);
    expect({ status, stderr }).toMatchObject({ status: 0 });
    const summary = lineSchemas.summary.parse(JSON.parse(stdout.trim().split('\n').at(-1) ?? ''));
    const { read, archiveSize = 0 } = reportSchema.parse(summary);
    expect(read).toBeLessThan(archiveSize / 4);
    const after = await capture();
    const wanted = asDatabase(before, 'juju', 'scratch').collections.filter(
      ({ namespace }) => namespace === 'scratch.units',
    );
    expect(wanted[0]?.documents).toBeGreaterThan(0);
    expect(asDatabase(after, 'scratch', 'scratch').collections).toEqual(wanted);
    expect(compareCaptures(before, without(after, 'scratch'))).toEqual([]);
    expect(await agentPid()).toBe(agent);
    expect(await site.leftovers()).toEqual([]);
    await drop('scratch');
  });

  it('are refused with every name that is taken, before anything is begun', async () => {
    const args = ['restore', id, '--include', 'juju.units', '--include', 'juju.model*'];
    const { status, stderr } = await site.holdfast(...args, '--exclude', 'juju.modelusers');
    expect(status).toBe(14);
    expect(stderr).toContain('targets: juju.units: it exists already; restore it under another');
    expect(stderr).toContain('targets: juju.models: it exists already');
    const none = await site.holdfast('restore', id, '--only', 'juju.nothing-like-it');
    expect(none.status).toBe(14);
    expect(none.stderr).toContain('choice: juju.nothing-like-it is in neither collections nor');
    if (mongod === '6.0') {
      const series = await site.holdfast(
        'restore',
        id,
        '--only',
        'juju.weather',
        '--replace',
        '--yes',
      );
      expect(series.status).toBe(14);
      expect(series.stderr).toContain('juju.weather: it exists already, and mongod cannot rename');
      expect(series.stderr).toContain('pass --in-place');
      const other = await site.holdfast(
        'restore',
        id,
        '--only',
        'juju.units',
        '--as',
        'juju.weather',
      );
      expect(other.stderr).toContain('juju.weather: a time series has its name');
      const whole = await site.holdfast('restore', id, '--plan');
      expect(whole.stdout).toContain('juju.weather is a time series');
    }
    expect(await site.leftovers()).toEqual([]);
  });

  it.each(shapes[mongod])(
    'come from what mongodump %s wrote, whatever is in it',
    async (options) => {
      const directory = await mkdtemp(join(tmpdir(), 'hf-dump-'));
      try {
        const path = join(directory, 'dump');
        const gzip = options.includes('--gzip') ? ['--gzip'] : [];
        const where = options.includes('--archive') ? `--archive=${path}` : `--out=${path}`;
        await runTool('mongodump', [...toolArguments(site), '--quiet', '--oplog', ...gzip, where]);
        for (const [from, to] of [
          ['juju', 'copy'],
          ['logs', 'logcopy'],
        ] as const) {
          const args = ['restore', '--from-dump', path, '--only', `${from}.*`, '--as', `${to}.*`];
          const { status, stderr } = await site.holdfast(...args);
          expect({ status, stderr }).toMatchObject({ status: 0 });
        }
        const after = await capture();
        for (const [from, to] of [
          ['juju', 'copy'],
          ['logs', 'logcopy'],
        ] as const) {
          const wanted = asDatabase(before, from, to);
          expect(compareCaptures(wanted, asDatabase(after, to, to))).toEqual([]);
        }
        expect(compareCaptures(before, without(after, 'copy', 'logcopy'))).toEqual([]);
        expect(await site.leftovers()).toEqual([]);
        await drop('copy', 'logcopy');
      } finally {
        await rm(directory, { recursive: true, force: true });
      }
    },
  );

  // What follows asks nothing of mongod that one release does and the other doesn't.
  if (mongod === '4.4') return;

  it('are not replaced under an agent that runs; with it stopped they are what they were', async () => {
    const client = site.database();
    await client.db('juju').collection('units').deleteMany({});
    await client.db('juju').collection('units').insertOne({ wrong: true });
    await client.close();
    const args = ['restore', id, '--only', 'juju.units', '--replace', '--yes', '--json'];
    const refused = await site.holdfast(...args);
    expect(refused.status).toBe(14);
    expect(refused.stderr).toContain('runs and would go on with what it has read before');
    await site.controller.services.stop(agentUnitName);
    const { status, stdout, stderr } = await site.holdfast(...args);
    await site.controller.services.start(agentUnitName);
    expect({ status, stderr }).toMatchObject({ status: 0 });
    const last: unknown = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
    expect(reportSchema.parse(last).replaced).toBe(1);
    expect(compareCaptures(before, await capture())).toEqual([]);
    expect(await site.leftovers()).toEqual([]);
  });

  it('that are time series are dropped and loaded where they are, once that is asked for', async () => {
    const client = site.database();
    await client.db('juju').collection('weather').insertOne({ at: new Date(), station: 99 });
    await client.close();
    const changed = await capture();
    const args = ['restore', id, '--only', 'juju.weather', '--in-place', '--json'];
    const unasked = await site.holdfast(...args);
    expect(unasked.status).toBe(2);
    const plan = await site.holdfast(...args.slice(0, -1), '--plan');
    expect(plan.stdout).toContain('1 time series are dropped before they are loaded, with no way');
    const refused = await site.holdfast(...args, '--yes');
    expect(refused.status).toBe(14);
    expect(refused.stderr).toContain('runs and would go on with what it has read before');
    expect(compareCaptures(changed, await capture())).toEqual([]);
    await site.controller.services.stop(agentUnitName);
    const { status, stdout, stderr } = await site.holdfast(...args, '--yes');
    await site.controller.services.start(agentUnitName);
    expect({ status, stderr }).toMatchObject({ status: 0 });
    const last: unknown = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
    expect(reportSchema.parse(last).replaced).toBe(1);
    expect(compareCaptures(before, await capture())).toEqual([]);
    expect(await site.leftovers()).toEqual([]);
  });

  it('that are dropped and cannot be loaded are named: all else is as it was, and they come again', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'hf-dump-'));
    await site.controller.services.stop(agentUnitName);
    try {
      await runTool('mongodump', [
        ...toolArguments(site),
        '--quiet',
        '--db=juju',
        `--out=${directory}`,
      ]);
      // A bucket that is there twice is found by nothing but its load.
      const file = join(directory, 'juju', 'system.buckets.weather.bson');
      const buckets = await readFile(file);
      await appendFile(file, buckets.subarray(0, buckets.readInt32LE(0)));
      const args = [
        '--from-dump',
        directory,
        '--include',
        'juju.weather',
        '--include',
        'juju.units',
      ];
      const failed = await site.holdfast('restore', ...args, '--replace', '--in-place', '--yes');
      expect(failed.status).toBe(1);
      expect(failed.stderr).toContain('[HF-RESTORE-004]');
      expect(failed.stderr).toContain('all but juju.weather, which --in-place had dropped');
      const lost = await capture();
      expect(compareCaptures(before, lost)).toEqual([
        expect.objectContaining({ namespace: 'juju.weather', what: 'presence' }),
      ]);
      expect(await site.leftovers()).toEqual([]);
      const again = await site.holdfast('restore', id, '--only', 'juju.weather');
      expect(again).toMatchObject({ status: 0 });
      expect(compareCaptures(before, await capture())).toEqual([]);
    } finally {
      await site.controller.services.start(agentUnitName);
      await rm(directory, { recursive: true, force: true });
    }
  });

  it('of a whole database go on after the host worker is killed with -9', async () => {
    const client = site.database();
    const running = site.begin('restore', id, '--only', 'juju.*', '--as', 'copy.*');
    await catchMoment('the load has made progress', async () => {
      return (await client.db('holdfast').collection('progress').countDocuments()) > 5;
    });
    await client.close();
    await site.signalWorker('host', 'SIGKILL');
    await site.startWorker('host');
    const { status, stderr } = await running.result;
    expect({ status, stderr }).toMatchObject({ status: 0 });
    const after = await capture();
    const [wanted, found] = [asDatabase(before, 'juju', 'copy'), asDatabase(after, 'copy', 'copy')];
    expect(compareCaptures(wanted, found)).toEqual([]);
    expect(compareCaptures(before, without(after, 'copy'))).toEqual([]);
    expect(await site.leftovers()).toEqual([]);
    await drop('copy');
  });

  it('leave nothing when they are cancelled', async () => {
    const running = site.begin('restore', id, '--only', 'juju.*', '--as', 'copy.*');
    await catchMoment('it loads', async () => {
      const begun = (await runFileSize(site, 'load/epoch-1')) !== undefined;
      return begun && (await journalState(site)) === 'open';
    });
    const cancelled = await site.holdfast('cancel');
    expect(cancelled.stdout).toContain('The restore of collections stops now, and what it had');
    const { status, stderr } = await running.result;
    expect({ status, stderr }).toMatchObject({ status: 130 });
    expect(compareCaptures(before, await capture())).toEqual([]);
    expect(await site.leftovers()).toEqual([]);
  });

  it('come from no dump that is damaged, and nothing of one is left', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'hf-dump-'));
    try {
      const path = join(directory, 'dump');
      await runTool('mongodump', [
        ...toolArguments(site),
        '--quiet',
        '--db=juju',
        '--collection=units',
        `--out=${path}`,
      ]);
      const file = join(path, 'juju', 'units.bson');
      const { size } = await stat(file);
      const args = ['restore', '--from-dump', path, '--only', 'juju.units', '--as', 'copy.units'];
      for (const [harm, reason] of [
        [() => truncate(file, size - 3), `juju.units (byte ${size - 3}): the last of`],
        [() => overwrite(file, 17 * 1024 * 1024), 'document 0 at byte 0 claims 17825792 bytes'],
      ] as const) {
        await harm();
        const { status, stderr } = await site.holdfast(...args);
        expect(status).toBe(13);
        expect(stderr).toContain('[HF-ARCHIVE-001]');
        expect(stderr).toContain(reason);
      }
      const illegal = [...args.slice(0, -1), 'admin.units'];
      await rm(file);
      const alone = await site.holdfast(...args);
      expect(alone.status).toBe(13);
      expect(alone.stderr).toContain('the documents of it are not there');
      await writeFile(file, '');
      const { status, stderr } = await site.holdfast(...illegal);
      expect(status).toBe(14);
      expect(stderr).toContain('admin.units: the server or Holdfast keeps its own there');
      const nowhere = await site.holdfast('restore', '--from-dump', join(directory, 'nothing'));
      expect(nowhere.status).toBe(10);
      expect(nowhere.stderr).toContain('[HF-SOURCE-001]');
      expect(await site.leftovers()).toEqual([]);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });
});

async function overwrite(path: string, length: number): Promise<void> {
  const file = await open(path, 'r+');
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(length);
  await file.write(bytes, 0, 4, 0);
  await file.close();
}
