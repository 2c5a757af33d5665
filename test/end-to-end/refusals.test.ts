import { open, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { controllerWorkflowId } from '../../core/ids';
import { databaseClient } from '../../examples/controller/database';
import { exampleAccess } from '../../examples/controller/run-controller';
import { Site } from './site';
import {
  captureSite,
  catchMoment,
  journalState,
  runDirectory,
  runFileSize,
  siteDifferences,
  type SiteState,
} from './state';

describe('holdfast refuses with code, hint and exit status, and changes nothing', () => {
  let site: Site;
  let before: SiteState;
  let id: string;
  let handle: () => ReturnType<Site['temporal']['workflow']['getHandle']>;

  beforeAll(async () => {
    site = await Site.start({ mongod: '6.0', seed: 31, size: 8_000_000 });
    await site.startWorker('workflow');
    before = await captureSite(site);
    const workflowId = controllerWorkflowId(site.example.modelUuid);
    handle = () => site.temporal.workflow.getHandle(workflowId);
  });
  afterAll(() => site.stop());
  afterEach(async () => {
    expect(siteDifferences(before, await captureSite(site))).toEqual([]);
    expect(await site.leftovers()).toEqual([]);
  });

  it('no worker has ever polled for this host: exit 17 within seconds, and nothing is started', async () => {
    const { status, stderr, took } = await site.holdfast('create');
    expect(status).toBe(17);
    expect(stderr).toContain('[HF-WORKER-001] no worker polls the queue holdfast-host/');
    expect(stderr).toContain('nothing was started');
    expect(stderr).toContain('hint: Run `holdfast worker` on ');
    expect(took).toBeLessThan(8_000);
    await site.startWorker('host');
    id = await site.create('good');
  });

  it('a second create while the first runs: exit 11 and the name of the holder', async () => {
    const first = site.begin('create', '--quiet');
    await catchMoment('the first has begun', async () => (await journalState(site)) === 'open');
    const second = await site.holdfast('create');
    expect(second.status).toBe(11);
    expect(second.stderr).toContain('[HF-LOCK-001]');
    expect(second.stderr).toContain(controllerWorkflowId(site.example.modelUuid));
    expect(second.took).toBeLessThan(8_000);
    expect((await first.result).status).toBe(0);
  });

  it('an unknown backup: exit 10', async () => {
    const unknown = `20200101-000000.${site.example.modelUuid}`;
    for (const command of [
      ['restore', unknown, '--yes'],
      ['verify', unknown],
      ['info', unknown],
    ]) {
      const { status, stderr } = await site.holdfast(...command);
      expect({ command, status }).toEqual({ command, status: 10 });
      expect(stderr).toContain(`[HF-STORAGE-001] storage default has no backup ${unknown}`);
      expect(stderr).toContain('hint: `holdfast list` shows the backups that are there.');
    }
  });

  it('an archive with one changed byte: verify and restore say which entry, exit 13', async () => {
    const damaged = await site.create('to be damaged');
    const directory = join(site.example.storage, site.example.modelUuid, damaged);
    const name = (await readdir(directory)).find((file) => file.endsWith('.tar.gz')) ?? '';
    const file = await open(join(directory, name), 'r+');
    const { size } = await file.stat();
    const byte = Buffer.alloc(1);
    await file.read(byte, 0, 1, Math.floor(size / 2));
    byte.writeUInt8(byte.readUInt8(0) ^ 0x10);
    await file.write(byte, 0, 1, Math.floor(size / 2));
    await file.close();
    for (const command of [
      ['verify', damaged],
      ['restore', damaged, '--yes'],
    ]) {
      const { status, stderr } = await site.holdfast(...command);
      expect({ command, status }).toEqual({ command, status: 13 });
      expect(stderr).toMatch(/\[HF-ARCHIVE-001\] juju-backup-\d{8}-\d{6}\.tar\.gz is damaged at /);
      expect(stderr).toMatch(/juju-backup\/(dump|root\.tar)/);
    }
  });

  it('credentials that mongod refuses: exit 12, and the password stays out of all output', async () => {
    const path = join(site.example.root, 'var/lib/juju/agents/machine-0/agent.conf');
    const original = await readFile(path, 'utf8');
    const { mtime } = await stat(path);
    await writeFile(path, original.replace(/statepassword: .*/, 'statepassword: wrong-canary'));
    try {
      const { status, stderr } = await site.holdfast('create');
      expect(status).toBe(12);
      expect(stderr).toContain('[HF-MONGO-002]');
      expect(stderr).toContain('hint: Check mongo.username and mongo.password');
      expect(stderr + (await site.log('host'))).not.toContain('wrong-canary');
    } finally {
      await writeFile(path, original);
      await utimes(path, mtime, mtime);
    }
  });

  it('no Temporal: exit 17 within a second or two', async () => {
    const { configFile } = site.example;
    const original = await readFile(configFile, 'utf8');
    await writeFile(configFile, original.replace(site.address, '127.0.0.1:9'));
    try {
      const { status, stderr, took } = await site.holdfast('create');
      expect(status).toBe(17);
      expect(stderr).toContain('[HF-TEMPORAL-001] no Temporal server answers at 127.0.0.1:9');
      expect(stderr).toContain('hint: Start one with `holdfast up`');
      expect(took).toBeLessThan(8_000);
      expect((await site.holdfast('list')).status).toBe(0);
    } finally {
      await writeFile(configFile, original);
    }
  });

  it('an idle client of somebody else is named before the swap, and the restore waits for it', async () => {
    const foreign = databaseClient(exampleAccess(site.example));
    await foreign.db('juju').command({ ping: 1 });
    const restoring = site.begin('restore', id, '--yes');
    await catchMoment('the restore waits', async () => {
      const { raw } = await handle().describe();
      return (raw.pendingActivities ?? []).some(
        ({ lastFailure }) => lastFailure?.message?.includes('example-controller') ?? false,
      );
    });
    expect(await journalState(site)).toBe('open');
    await foreign.close();
    expect((await restoring.result).status).toBe(0);
  });

  it('a restore cancelled while it loads leaves everything as it was', async () => {
    const restoring = site.begin('restore', id, '--yes');
    await catchMoment(
      'it loads',
      async () => (await runFileSize(site, 'load/epoch-1')) !== undefined,
    );
    await handle().cancel();
    expect((await restoring.result).status).not.toBe(0);
  });

  it('a backup terminated in the middle is compensated by the next', async () => {
    const creating = site.begin('create', '--quiet');
    await catchMoment(
      'it dumps',
      async () => (await runFileSize(site, 'dump/epoch-1')) !== undefined,
    );
    await handle().terminate('test');
    expect((await creating.result).status).not.toBe(0);
    const next = await site.holdfast('create', '--json');
    expect(next.stderr).not.toContain('[HF-');
    expect(next.status).toBe(0);
    expect(next.stdout).toContain('"compensated"');
  });

  it('what a restore kept that was terminated before it began is removed by the next', async () => {
    const restoring = site.begin('restore', id, '--yes');
    await catchMoment(
      'it has fetched something',
      async () => (await runDirectory(site)) !== undefined,
    );
    await handle().terminate('test');
    expect((await restoring.result).status).not.toBe(0);
    expect((await site.holdfast('create')).status).toBe(0);
  });

  it('over a restore terminated past its point of no return it refuses, and --resume finishes it', async () => {
    await terminateIn('past-no-return');
    const refused = await site.holdfast('create');
    expect(refused.status).toBe(11);
    expect(refused.stderr).toContain('[HF-LOCK-002]');
    expect(refused.stderr).toContain('holdfast restore --resume');
    const resumed = await site.holdfast('restore', '--resume', '--yes');
    expect({ status: resumed.status, stderr: resumed.stderr }).toMatchObject({ status: 0 });
  });

  it('and --rollback goes back to the exact state before', async () => {
    await terminateIn('past-no-return');
    const undone = await site.holdfast('restore', '--rollback', '--yes');
    expect({ status: undone.status, stderr: undone.stderr }).toMatchObject({ status: 0 });
  });

  it('over a restore terminated while it removes what was before, --resume removes the rest', async () => {
    await terminateIn('finishing');
    const back = await site.holdfast('restore', '--rollback', '--yes');
    expect(back.status).toBe(11);
    expect(back.stderr).toContain('[HF-LOCK-002]');
    const resumed = await site.holdfast('restore', '--resume', '--yes');
    expect({ status: resumed.status, stderr: resumed.stderr }).toMatchObject({ status: 0 });
  });

  /** The worker is killed when its journal says so, the workflow terminated, and another worker started. */
  async function terminateIn(state: 'past-no-return' | 'finishing'): Promise<void> {
    const restoring = site.begin('restore', id, '--yes');
    await catchMoment(
      `the journal says ${state}`,
      async () => (await journalState(site)) === state,
    );
    await site.signalWorker('host', 'SIGKILL');
    await handle().terminate('test');
    await restoring.result;
    await site.startWorker('host');
  }
});
