import { mkdtemp, readFile, rm, utimes, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { controllerWorkflowId } from '../../core/ids';
import { databaseClient, jujuRoles } from '../../examples/controller/database';
import { exampleAccess } from '../../examples/controller/run-controller';
import { CanaryWatch, filesBelow, lookThroughTemporal, pemLine, Sampler } from './canaries';
import { Site, type CommandResult } from './site';
import { catchMoment, runFileSize } from './state';

const operatorPassword = 'canary-operator-Zq8/+wTn4';
const changedPassword = 'canary-machine-Kv2/+xLs9';
const wrongPassword = 'canary-refused-Yd7/+hRm3';

/**
 * Where secrets may stand, and nowhere else: in the archive (root.tar holds agent.conf and keys,
 * metadata.json the CA's key), and while an operation runs in files of mode 0600 of its run directory.
 */
describe('passwords and keys stay where they belong', () => {
  const watch = new CanaryWatch();
  let notes: string;
  let site: Site;
  let sampler: Sampler;
  let id: string;
  let agentConf: string;

  beforeAll(async () => {
    notes = await mkdtemp(join(tmpdir(), 'hf-notes-'));
    site = await Site.start({
      mongod: '6.0',
      seed: 41,
      size: 4_000_000,
      workerEnvironment: {
        HOLDFAST_LOG_LEVEL: 'trace',
        NODE_OPTIONS: `--require=${join(__dirname, 'note-random-passwords.cjs')}`,
        TEST_PASSWORD_NOTES: join(notes, 'passwords'),
      },
    });
    const { example } = site;
    const data = join(example.root, example.dataDir);
    agentConf = join(data, 'agents/machine-0/agent.conf');
    watch.add({ name: 'state password', value: example.password });
    watch.add({ name: 'CA private key', value: pemLine(example.caKey) });
    const identity = await readFile(join(data, 'system-identity'), 'utf8');
    watch.add({ name: 'system identity', value: pemLine(identity) });
    const pem = await readFile(join(data, 'server.pem'), 'utf8');
    const key = pem.slice(pem.search(/-----BEGIN [A-Z ]*PRIVATE KEY/));
    watch.add({ name: 'server key', value: pemLine(key) });
    const shared = await readFile(join(data, 'shared-secret'), 'utf8');
    watch.add({ name: 'shared secret', value: shared.slice(100, 160) });
    watch.add({ name: 'operator password', value: operatorPassword });
    watch.add({ name: 'changed password', value: changedPassword });
    watch.add({ name: 'refused password', value: wrongPassword });
    await site.startWorkers();
    sampler = new Sampler(watch, site.temporal, controllerWorkflowId(example.modelUuid));
  });
  afterAll(async () => {
    await sampler.stop();
    await site.stop();
    await rm(notes, { recursive: true, force: true });
  });

  async function command(...args: readonly string[]): Promise<CommandResult> {
    const result = await site.holdfast(...args);
    watch.look(`output of ${args[0] ?? ''}`, result.stdout + result.stderr);
    return result;
  }

  /** Names in the run directory of files that hold a password, and their modes. */
  async function secretFiles(): Promise<Record<string, string>> {
    const { workspace, password } = site.example;
    const held: Record<string, string> = {};
    for (const { path, mode, text } of await filesBelow(workspace)) {
      const holds = [password, operatorPassword, changedPassword].some((each) =>
        text.includes(each),
      );
      if (holds)
        held[relative(join(workspace, 'runs'), path).split('/').slice(1).join('/')] =
          mode.toString(8);
    }
    return held;
  }

  it('a backup as the agent keeps its password in credentials.json (0600) while it runs', async () => {
    const creating = site.begin('create', 'canaries', '--json');
    await catchMoment(
      'it dumps',
      async () => (await runFileSize(site, 'dump/epoch-1')) !== undefined,
    );
    await catchMoment(
      'it is connected',
      async () => (await runFileSize(site, 'credentials.json')) !== undefined,
    );
    await site.signalWorker('host', 'SIGSTOP');
    const held = await secretFiles();
    await site.signalWorker('host', 'SIGCONT');
    const created = await creating.result;
    watch.look('output of create', created.stdout + created.stderr);
    expect({ status: created.status, held }).toEqual({
      status: 0,
      held: { 'credentials.json': '600' },
    });
    id = /"backupId": ?"([^"]+)"/.exec(created.stdout)?.[1] ?? '';
    await command('verify', id, '--json');
    await command('info', id, '--json');
    await command('list', '--json');
    await command('config', 'show', '--json');
  });

  it('restores as a user of its own, with its password in a file, over a machine user whose password changed', async () => {
    const access = exampleAccess(site.example);
    const client = databaseClient(access);
    await client.db('admin').command({
      createUser: 'operator',
      pwd: operatorPassword,
      roles: jujuRoles.map((role) => ({ role, db: 'admin' })),
    });
    await client.db('admin').command({ updateUser: 'machine-0', pwd: changedPassword });
    await client.close();
    const passwordFile = join(notes, 'operator');
    await writeFile(passwordFile, operatorPassword, { mode: 0o600 });
    const { configFile } = site.example;
    const config = await readFile(configFile, 'utf8');
    await writeFile(
      configFile,
      `${config}mongo:\n  username: operator\n  password:\n    file: ${passwordFile}\n`,
    );
    await site.signalWorker('host', 'SIGTERM');
    await site.startWorker('host');
    await command('config', 'show', '--json');
    await command('config', 'check');
    expect(await command('restore', id, '--plan')).toMatchObject({ status: 0 });
    expect(await command('restore', id, '--yes', '--json')).toMatchObject({ status: 0 });
    // The machine's user logs in with the restored password again.
    const restored = databaseClient(access);
    await restored.db('juju').command({ ping: 1 });
    await restored.close();
    expect(await command('create', '--json')).toMatchObject({ status: 0 });
  });

  it('fails to restore, and says so without them', async () => {
    const foreign = databaseClient(exampleAccess(site.example));
    await foreign.db('juju').command({ ping: 1 });
    const failed = await command('restore', id, '--yes');
    await foreign.close();
    expect(failed.status).not.toBe(0);
    expect(failed.stderr).toContain('[HF-SWAP-001]');
  });

  it('takes no backup on refused credentials and an agent.conf that is no YAML, restores all the same', async () => {
    const { configFile } = site.example;
    const config = await readFile(configFile, 'utf8');
    const original = await readFile(agentConf, 'utf8');
    const { mtime } = await stat(agentConf);
    try {
      await writeFile(join(notes, 'operator'), wrongPassword);
      await writeFile(
        agentConf,
        original.replace(/^statepassword: .*$/m, `statepassword: "${wrongPassword}`),
      );
      for (const args of [['create'], ['config', 'check']]) {
        expect(await command(...args)).not.toMatchObject({ status: 0 });
      }
      // A damaged agent.conf is what a restore is for: the archive's own is a way in.
      expect(await command('restore', id, '--yes')).toMatchObject({ status: 0 });
      // A password written where only a reference may stand.
      await writeFile(configFile, config.replace(/password:\n.*$/m, `password: ${wrongPassword}`));
      for (const args of [['config', 'check'], ['config', 'show'], ['create']]) {
        expect(await command(...args)).toMatchObject({ status: 2 });
      }
    } finally {
      await writeFile(configFile, config);
      await writeFile(join(notes, 'operator'), operatorPassword);
      await writeFile(agentConf, original);
      await utimes(agentConf, mtime, mtime);
    }
  });

  it('and nothing else holds them: histories, heartbeats, logs, argv, output, MANIFEST, INDEX, workspace', async () => {
    const drawn = (await readFile(join(notes, 'passwords'), 'utf8')).trim().split('\n');
    expect(drawn.length).toBeGreaterThanOrEqual(2);
    for (const value of drawn) watch.add({ name: 'password of an attempt', value });
    await sampler.stop();
    expect(sampler.samples).toBeGreaterThan(100);
    expect(sampler.heartbeats).toBeGreaterThan(0);
    expect(await lookThroughTemporal(watch, site.temporal)).toBeGreaterThan(100);
    for (const role of ['workflow', 'host'] as const) {
      watch.look(`log of the ${role} worker`, await site.log(role));
    }
    watch.look("Temporal's log", await readFile(join(site.directory, 'temporal.log'), 'utf8'));
    let archives = '';
    for (const { path, text } of await filesBelow(site.example.storage)) {
      if (path.endsWith('.tar.gz')) archives += text;
      else watch.look(path.replace(/^.*\//, ''), text);
    }
    for (const { path, mode, text } of await filesBelow(site.example.workspace)) {
      watch.look(`workspace ${path}`, text);
      expect([path, mode]).toEqual([path, 0o600]);
    }
    expect(watch.findings()).toEqual([]);

    // What was searched does hold what it should, and what may hold a secret does.
    expect(watch.text('histories')).toContain(id);
    expect(watch.text('histories')).toContain('HF-SWAP-001');
    expect(watch.text('descriptions')).toContain('HoldfastBackupId');
    expect(watch.text('heartbeats and failures of attempts')).toContain('"unit":');
    expect(watch.text('argv')).toContain('client/cli/main.js restore');
    expect(watch.text('INDEX')).toContain('system-identity');
    expect(watch.text('log of the host worker')).toContain('"level":20');
    expect(archives).toContain(site.example.password);
    expect(archives).toContain(pemLine(site.example.caKey));
    expect(await site.leftovers()).toEqual([]);
  });
});
