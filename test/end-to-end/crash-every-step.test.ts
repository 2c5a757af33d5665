import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Db } from 'mongodb';
import { createActivities } from '../../activities/create-activities';
import { readIndex } from '../../archive/index-file';
import { metadataFile, oplogFile } from '../../archive/paths';
import { loadConfig } from '../../config/load';
import { processEnvironment } from '../../config/environment';
import { hostDependencies } from '../../worker/host-dependencies';
import { agentUnitName } from '../../examples/controller/build-controller';
import { captureServer } from '../../mongo/capture';
import { compareCaptures } from '../../mongo/compare';
import { Ground } from '../faults/ground';
import { settled } from '../faults/run-fault';
import { runTool } from '../mongo/tools';
import { crashMoments } from './crash-moments';
import type { CommandResult } from './site';
import { runHistories } from './histories';
import { toolArguments } from './tool-arguments';
import { Strikes, type Moment, type StepName } from './strikes';

const backupSteps = [
  'prepareBackup',
  'dumpDatabase',
  'bundleFiles',
  'composeArchive',
  'inspectRope',
  'storeArchive',
  'verifyStored',
  'commitBackup',
  'finishBackup',
] as const;
const proofSteps = [
  'locateBackup',
  'prepareRestore',
  'fetchArchive',
  'inspectArchive',
  'preflightRestore',
  'discardRun',
] as const;
const besideSteps = ['beginRestore', 'loadStaged', 'stageFiles', 'stopAgents'] as const;
const collectionSteps = [
  'prepareCollections',
  'fetchCollections',
  'inspectCollections',
  'preflightCollections',
  'loadCollections',
  'swapCollections',
] as const;
const copySteps = ['prepareCopy', 'copyFiles', 'verifyCopied', 'commitCopy', 'clearCopy'] as const;
const swapSteps = [
  'swapDatabase',
  'swapFiles',
  'restoreUsers',
  'startAgents',
  'finishRestore',
] as const;

/** The host worker dies once in the middle of every step, by kill -9; a new one takes over. */
describe('killed with -9 in the middle of', () => {
  let ground: Ground;
  let strikes: Strikes;
  const everStruck = new Set<string>();

  beforeAll(async () => {
    strikes = await Strikes.prepare();
    ground = await Ground.build({
      seed: 8,
      mongod: '6.0',
      size: 3_000_000,
      withVolumes: false,
      site: {
        heartbeatTimeout: 1_500,
        storages: '{attic: {type: file, path: attic}}',
        workerEnvironment: strikes.environment,
      },
    });
  });
  afterAll(async () => {
    await ground.stop();
    await strikes.remove();
  });

  async function arm(...steps: readonly StepName[]): Promise<void> {
    const moments: Partial<Record<StepName, Moment>> = {};
    for (const step of steps) moments[step] = crashMoments[step];
    await strikes.arm('SIGKILL', moments);
  }

  /** Waits for the end of a command; every step that was armed must have been struck by then. */
  async function survived(
    result: Promise<CommandResult>,
    steps: readonly StepName[],
  ): Promise<CommandResult> {
    const ended = await settled(ground, result);
    const struck = await strikes.struck();
    expect(struck).toEqual(expect.arrayContaining([...steps]));
    for (const step of struck) everStruck.add(step);
    return ended;
  }

  it('each step of a backup: it holds what an undisturbed one holds', async () => {
    const { site } = ground;
    const undisturbed = await site.create('undisturbed');
    await arm(...backupSteps);
    const running = site.begin('create', 'struck', '--quiet');
    const { status, stdout, stderr } = await survived(running.result, backupSteps);
    expect({ status, stderr }).toMatchObject({ status: 0 });
    const id = stdout.trim();
    expect(await contentOf(ground, id)).toEqual(await contentOf(ground, undisturbed));
    expect(await ground.differences(ground.present)).toEqual([]);
  });

  it('a verify: it reads again from the first byte, and says that the backup is sound', async () => {
    await arm('verifyBackup');
    const running = ground.site.begin('verify', ground.backupId);
    const { status, stderr } = await survived(running.result, ['verifyBackup']);
    expect({ status, stderr }).toMatchObject({ status: 0 });
  });

  it('the choice of what is verified: it is chosen again, and read', async () => {
    await arm('chooseBackups');
    const running = ground.site.begin('verify', '--all', '--quiet');
    const { status, stdout, stderr } = await survived(running.result, ['chooseBackups']);
    expect({ status, stdout, stderr }).toMatchObject({ status: 0, stdout: '' });
  });

  it('each step of a copy: it is there byte for byte, and nothing else is', async () => {
    const { backupId, site } = ground;
    await arm(...copySteps);
    const running = site.begin('copy', backupId, '--to', 'attic', '--quiet');
    const { status, stdout, stderr } = await survived(running.result, copySteps);
    expect({ status, stdout, stderr }).toMatchObject({ status: 0, stdout: `${backupId}\n` });
    const { storage, modelUuid } = site.example;
    const attic = join(site.example.directory, 'attic', modelUuid);
    expect(await digestsIn(join(attic, backupId))).toEqual(
      await digestsIn(join(storage, modelUuid, backupId)),
    );
    expect(await readdir(attic)).toEqual([backupId]);
    expect(await site.leftovers()).toEqual([]);
  });

  it('a removal: it goes on, and the backup is gone', async () => {
    const id = await ground.site.create('to be removed');
    await arm('pruneBackups');
    const running = ground.site.begin('remove', id, '--yes');
    const { status, stdout, stderr } = await survived(running.result, ['pruneBackups']);
    expect({ status, stdout, stderr }).toMatchObject({ status: 0, stdout: `${id}\n` });
    expect((await ground.site.holdfast('list', '--quiet')).stdout).not.toContain(id);
  });

  it('each proof before a restore: nothing is changed, nothing stays', async () => {
    await arm(...proofSteps);
    const running = ground.site.begin('restore', ground.backupId, '--plan');
    const { status, stderr } = await survived(running.result, proofSteps);
    expect({ status, stderr }).toMatchObject({ status: 0 });
    expect(await ground.differences(ground.present)).toEqual([]);
  });

  it('the undo of a backup: nothing of it stays', async () => {
    await arm('dumpDatabase', 'undoBackup');
    const known = await ground.backups();
    const running = ground.site.begin('create');
    await strikes.awaitStrike('dumpDatabase');
    expect((await ground.site.holdfast('cancel')).status).toBe(0);
    const { status } = await survived(running.result, ['undoBackup']);
    expect(status).toBe(130);
    expect(await ground.backups()).toEqual(known);
    expect(await ground.differences(ground.present)).toEqual([]);
  });

  it('the undo of a restore: the controller is exactly as it was before', async () => {
    await arm('restoreUsers', 'undoRestore');
    const running = ground.site.begin('restore', ground.backupId, '--yes');
    await strikes.awaitStrike('restoreUsers');
    expect((await ground.site.holdfast('cancel', '--rollback')).status).toBe(0);
    const { status } = await survived(running.result, ['undoRestore']);
    expect(status).toBe(130);
    expect(await ground.differences(ground.present)).toEqual([]);
  });

  it.each([
    ['beside the live data', besideSteps],
    ['of the swap', swapSteps],
  ])('each step of a restore %s: all is exactly as it was backed up', async (_where, steps) => {
    await arm(...steps);
    const running = ground.site.begin('restore', ground.backupId, '--yes');
    const { status, stderr } = await survived(running.result, steps);
    expect({ status, stderr }).toMatchObject({ status: 0 });
    expect(await ground.differences(ground.saved)).toEqual([]);
    await ground.changeAgain();
  });

  it('each step of a restore of collections: they come, and nothing else is touched', async () => {
    await arm(...collectionSteps);
    const args = ['restore', ground.backupId, '--only', 'juju.*', '--as', 'copy.*'];
    const { status, stderr } = await survived(ground.site.begin(...args).result, collectionSteps);
    expect({ status, stderr }).toMatchObject({ status: 0 });
    const client = ground.site.database();
    const copied = (await client.db('copy').listCollections().toArray()).length;
    await client.db('copy').dropDatabase();
    await client.close();
    expect(copied).toBeGreaterThan(20);
    expect(await ground.differences(ground.present)).toEqual([]);
  });

  it('a time series being replaced where it is: it comes whole', async () => {
    const { site } = ground;
    const directory = await mkdtemp(join(tmpdir(), 'hf-dump-'));
    const client = site.database();
    const sky = client.db('sky');
    try {
      await fillSeries(sky);
      const saved = await captureServer(client);
      await runTool('mongodump', [
        ...toolArguments(site),
        '--quiet',
        '--db=sky',
        `--out=${directory}`,
      ]);
      await sky.collection('wind').deleteMany({ station: 1 });
      await site.controller.services.stop(agentUnitName);
      await arm('loadInPlace');
      const args = [
        'restore',
        '--from-dump',
        directory,
        '--only',
        'sky.wind',
        '--in-place',
        '--yes',
      ];
      const { status, stderr } = await survived(site.begin(...args).result, ['loadInPlace']);
      await site.controller.services.start(agentUnitName);
      expect({ status, stderr }).toMatchObject({ status: 0 });
      const data = await captureServer(client);
      expect(compareCaptures(saved, data)).toEqual([]);
    } finally {
      await sky.dropDatabase();
      await client.close();
      await rm(directory, { recursive: true, force: true });
    }
    expect(await ground.differences(ground.present)).toEqual([]);
  });

  it('every activity there is: none is left out above', async () => {
    const environment = processEnvironment();
    const file = ground.site.example.configFile;
    const { config } = await loadConfig({ file, environment });
    const host = hostDependencies(config, environment);
    try {
      expect([...everStruck].toSorted()).toEqual(
        Object.keys(createActivities(host.activities)).toSorted(),
      );
    } finally {
      await host.close();
    }
  });

  it('and what all of them leave in the histories carries v: 1', async () => {
    const { scheduled, completed } = await runHistories(ground.site);
    expect(new Set(completed.map(({ step }) => step))).toEqual(everStruck);
    const unversioned = [...scheduled, ...completed].filter(({ v }) => v !== 1);
    expect(unversioned).toEqual([]);
  });
});

/** A time series of several batches: what compresses well would be one. */
async function fillSeries(sky: Db): Promise<void> {
  await sky.createCollection('wind', { timeseries: { timeField: 'at', metaField: 'station' } });
  const measured = Array.from({ length: 12_000 }, (_, at) => ({
    at: new Date(Date.UTC(2026, 1, 1) + at * 60_000),
    station: at % 31,
    text: createHash('sha512').update(String(at)).digest('base64').repeat(4),
  }));
  await sky.collection('wind').insertMany(measured);
}

/** SHA-256 of every file of a backup but what verifications and pins left, and of all that is hidden. */
async function digestsIn(directory: string): Promise<Record<string, string>> {
  const names = (await readdir(directory)).filter((name) => !/^(\.owner$|VERIFIED\.)/.test(name));
  const digests: Record<string, string> = {};
  for (const name of names.toSorted()) {
    const bytes = await readFile(join(directory, name));
    digests[name] = createHash('sha256').update(bytes).digest('hex');
  }
  return digests;
}

/** What a backup holds, entry by entry, but for what every backup has of its own. */
async function contentOf(ground: Ground, id: string): Promise<unknown[]> {
  const { storage, modelUuid } = ground.site.example;
  const directory = join(storage, modelUuid, id);
  expect((await readdir(directory)).filter((name) => !name.startsWith('.'))).toHaveLength(3);
  const content: unknown[] = [];
  const index = createReadStream(join(directory, 'INDEX'));
  for await (const line of readIndex(index, { archive: id })) {
    if (line.path === metadataFile || line.path === oplogFile) continue;
    if (line.type === 'symlink') content.push([line.path, line.link]);
    if (line.type === 'directory') content.push([line.path]);
    if (line.type === 'file' && !line.path.endsWith('root.tar'))
      content.push([line.path, line.size, line.sha256]);
  }
  return content;
}
