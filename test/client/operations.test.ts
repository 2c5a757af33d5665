import { execFile, spawn } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Runtime } from '@temporalio/worker';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { processEnvironment } from '../../config/environment';
import { loadConfig } from '../../config/load';
import { HoldfastClient } from '../../client';
import { documentSchemas, lineSchemas } from '../../client/json-schema';
import { TemporalLogger, createLogger } from '../../worker/logging';
import { registerSearchAttributes } from '../../worker/search-attributes';
import { requireBuild, runCommand, startCommand, collect } from './built-command';
import { modelUuid, removeDirectories, temporaryDirectory, until, writeConfig } from './temporary';

const execute = promisify(execFile);
const id = `20260102-030405.${modelUuid}`;
const hostQueue = `holdfast-host/${modelUuid}/machine-0`;

let server: TestWorkflowEnvironment;
let directory: string;
let client: HoldfastClient;

beforeAll(async () => {
  requireBuild();
  Runtime.install({ logger: new TemporalLogger(createLogger('test', 'error')) });
  const path = process.env['HOLDFAST_TEMPORAL_CLI'] ?? '';
  server = await TestWorkflowEnvironment.createLocal({
    server: {
      executable: { type: 'existing-path', path },
      log: { format: 'json', level: 'never' },
    },
  });
  directory = await temporaryDirectory();
  const file = await writeConfig(directory, Number(server.address.split(':').at(-1)));
  const environment = { ...processEnvironment(), variables: {} };
  client = new HoldfastClient((await loadConfig({ file, environment })).config, environment);
});

afterEach(async () => {
  for (const workflowId of [`holdfast/${modelUuid}`, `holdfast/${modelUuid}/verify/attic/${id}`]) {
    await server.client.workflow
      .getHandle(workflowId)
      .terminate()
      .catch(() => undefined);
  }
});

afterAll(async () => {
  await client.close();
  await server.teardown();
  await Runtime.instance().shutdown();
  await removeDirectories();
});

it('warns of no listeners however many answers a call has waited for', async () => {
  // To wait for an operation's end is one call with a request every 20 s.
  const script = `
    const { TemporalSession } = require('./client/temporal.js');
    const { processEnvironment } = require('./config/environment.js');
    const config = { address: '${server.address}', namespace: 'default' };
    TemporalSession.open(config, processEnvironment()).then(async (session) => {
      const ask = () => session.client.workflowService.getSystemInfo({});
      const answers = await session.call(() => Promise.all(Array.from({ length: 24 }, ask)));
      console.log(answers.length);
      await session.close();
    });`;
  const dist = join(__dirname, '../../dist');
  const { stdout, stderr } = await execute(process.execPath, ['-e', script], { cwd: dist });
  expect({ stdout, stderr }).toEqual({ stdout: '24\n', stderr: '' });
});

it('starts nothing when no worker polls, and names the queue and what to run where', async () => {
  const { status, stdout, stderr, took } = await runCommand(['create'], { cwd: directory });
  expect({ status, stdout }).toEqual({ status: 17, stdout: '' });
  expect(stderr).toContain('[HF-WORKER-001] no worker polls the queue holdfast');
  expect(stderr).toContain('`holdfast worker` on the host of machine-0');
  expect(took).toBeLessThan(9_000);
  await expect(
    server.client.workflow.getHandle(`holdfast/${modelUuid}`).describe(),
  ).rejects.toThrow(/not found/);
});

it('starts anyway with wait, registers missing search attributes, and sets what the Web UI shows', async () => {
  const handle = await client.startBackup({ wait: true, notes: 'before\nthe upgrade' });
  expect(handle).toMatchObject({
    kind: 'backup',
    workflowId: `holdfast/${modelUuid}`,
    attached: false,
    queues: { workflow: 'holdfast', host: hostQueue },
  });
  const description = await server.client.workflow
    .getHandle(handle.workflowId, handle.runId)
    .describe();
  expect(description.type).toBe('backup');
  expect(description.searchAttributes['HoldfastController']).toEqual([modelUuid]);
  expect(await description.staticSummary()).toBe(
    `backup of ${modelUuid} (machine-0): before the upgrade`,
  );
  const details = await description.staticDetails();
  expect(details).toContain(`- controller: \`${modelUuid}\``);
  expect(details).toContain('- machine: machine-0');
  expect(details).toContain('To stop it, request its cancellation');
  expect(await registerSearchAttributes(server.connection, 'default')).toEqual([]);
});

it('starts with a summary that the server takes, however long and wide the notes are', async () => {
  const handle = await client.startBackup({ wait: true, notes: '\u0301'.repeat(5_000) });
  const run = server.client.workflow.getHandle(handle.workflowId, handle.runId);
  const summary = await (await run.describe()).staticSummary();
  expect(Buffer.byteLength(summary ?? '')).toBeGreaterThan(300);
  expect(Buffer.byteLength(summary ?? '')).toBeLessThanOrEqual(360);
});

it('tells of a run that no worker has taken up: it runs, without a phase, within seconds', async () => {
  const handle = await client.startBackup({ wait: true });
  const began = performance.now();
  const status = await client.status(handle);
  expect(performance.now() - began).toBeLessThan(9_000);
  expect(status).toMatchObject({ v: 1, kind: 'backup', state: 'running', runId: handle.runId });
  expect(status.phase).toBeUndefined();
  await server.client.workflow.getHandle(handle.workflowId).terminate('by the test');
  await expect(client.result(handle)).rejects.toMatchObject({ code: 'HF-CANCEL-001', exit: 130 });
  expect(await client.status(handle)).toMatchObject({
    state: 'terminated',
    failure: { code: 'HF-CANCEL-001' },
  });
});

it('refuses a second operation on a controller, whichever it is, and names the holder', async () => {
  const holder = await client.startBackup({ wait: true });
  const refusal = { code: 'HF-LOCK-001', exit: 11 };
  await expect(client.startBackup({ wait: true })).rejects.toMatchObject(refusal);
  const restore = client.startRestore({ wait: true, backup: { latest: true } });
  await expect(restore).rejects.toMatchObject(refusal);
  const { status, stderr } = await runCommand(['create', '--wait'], { cwd: directory });
  expect(status).toBe(11);
  expect(stderr).toContain(`controller ${modelUuid} is busy: a backup has run since 20`);
  expect(stderr).toContain(holder.runId);
});

it('attaches to a verification that runs, and to nothing else under its id', async () => {
  const first = await client.startVerify(id, { wait: true });
  const second = await client.startVerify(id, { wait: true });
  expect(second).toMatchObject({ runId: first.runId, attached: true });
  const workflowId = first.workflowId;
  await server.client.workflow.getHandle(workflowId).terminate();
  await server.client.workflow.start('impostor', { workflowId, taskQueue: 'nobody' });
  await expect(client.startVerify(id, { wait: true })).rejects.toThrow(
    /is busy: a impostor has run since/,
  );
});

it('detaches at Ctrl-C with status 130 and the command to come back, and leaves the run alone', async () => {
  const child = startCommand(['create', '--wait'], { cwd: directory });
  const ended = new Promise((resolve) => child.once('close', resolve));
  const stderr = collect(child.stderr);
  const run = /run ([0-9a-f-]{36})/;
  await until(() => run.test(stderr()), 'the start');
  await until(() => stderr().includes('nothing has started yet on queue holdfast'), 'the notice');
  expect(stderr()).toContain('run `holdfast worker` on the host of machine-0');
  child.kill('SIGINT');
  expect(await ended).toBe(130);
  const runId = run.exec(stderr())?.[1] ?? '';
  expect(stderr()).toContain(`  holdfast watch ${runId}\n`);
  const { status } = await server.client.workflow
    .getHandle(`holdfast/${modelUuid}`, runId)
    .describe();
  expect(status.name).toBe('RUNNING');
});

it('says of a run that this server does not know that it is not here', async () => {
  const handle = await client.startBackup({ wait: true });
  const runId = '00000000-0000-4000-8000-000000000000';
  await expect(client.status({ ...handle, runId })).rejects.toMatchObject({
    code: 'HF-TEMPORAL-007',
    exit: 10,
  });
});

it('gives a failed run its exit status, as one JSON object with --json', async () => {
  const child = startCommand(['create', '--wait', '--json'], { cwd: directory });
  const ended = new Promise((resolve) => child.once('close', resolve));
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
  await until(() => stdout().includes('"type":"status"'), 'the first line');
  await server.client.workflow.getHandle(`holdfast/${modelUuid}`).terminate();
  expect(await ended).toBe(130);
  for (const line of stdout().trim().split('\n')) {
    expect(lineSchemas.status.parse(JSON.parse(line))).toMatchObject({ v: 1, kind: 'backup' });
  }
  expect(lineSchemas.error.parse(JSON.parse(stderr()))).toMatchObject({
    type: 'error',
    code: 'HF-CANCEL-001',
    exit: 130,
  });
});

it('starts and returns with --detach, and prints where it runs', async () => {
  const { status, stdout, stderr } = await runCommand(['create', '--wait', '--detach'], {
    cwd: directory,
  });
  expect(status).toBe(0);
  const runId = /^run: +(\S+)$/m.exec(stdout)?.[1] ?? '';
  expect(stdout).toBe(`workflow: holdfast/${modelUuid}\nrun:      ${runId}\n`);
  expect(stderr).toContain(`follow it with: holdfast watch ${runId}`);
  const quiet = await runCommand(['verify', id, '--wait', '--detach', '--quiet'], {
    cwd: directory,
  });
  expect(quiet.stdout).toMatch(/^[0-9a-f-]{36}\n$/);
});

it('follows the operation that runs with --attach when it is of the same type and backup', async () => {
  const holder = await client.startBackup({ wait: true });
  expect(await client.startBackup({ wait: true, attach: true })).toMatchObject({
    runId: holder.runId,
    attached: true,
  });
  const other = client.startRestore({ wait: true, attach: true, backup: { id } });
  await expect(other).rejects.toMatchObject({ code: 'HF-LOCK-001', exit: 11 });
  await server.client.workflow.getHandle(holder.workflowId).terminate();
  const restore = await client.startRestore({ wait: true, backup: { id } });
  const again = await client.startRestore({ wait: true, attach: true, backup: { id } });
  expect(again.runId).toBe(restore.runId);
  const backup = { id: `20200101-000000.${modelUuid}` };
  const another = client.startRestore({ wait: true, attach: true, backup });
  await expect(another).rejects.toMatchObject({ code: 'HF-LOCK-001' });
});

it('watches what is named by run, by backup, or by nothing, to its end', async () => {
  const verification = await client.startVerify(id, { wait: true });
  const handle = await client.startBackup({ wait: true });
  expect((await client.find()).runId).toBe(handle.runId);
  expect((await client.find(handle.runId)).kind).toBe('backup');
  const named = await until(
    () => client.find('20260102-0304').catch(() => undefined),
    'the index of the server',
  );
  expect(named).toMatchObject({ kind: 'verify', runId: verification.runId });
  const child = startCommand(['watch', handle.runId], { cwd: directory });
  const ended = new Promise((resolve) => child.once('close', resolve));
  const stderr = collect(child.stderr);
  await until(() => stderr().includes(`run ${handle.runId}`), 'the first line');
  await server.client.workflow.getHandle(handle.workflowId).terminate();
  expect(await ended).toBe(130);
  expect(stderr()).toContain('[HF-CANCEL-001] the backup was cancelled');
  const unknown = await runCommand(['watch', '19990101'], { cwd: directory });
  expect(unknown.status).toBe(10);
  expect(unknown.stderr).toContain(
    `[HF-JOB-001] controller ${modelUuid} has no operation 19990101`,
  );
});

it('lists what runs first, then what ended, and how', async () => {
  const ended = await client.startVerify(id, { wait: true });
  await server.client.workflow.getHandle(ended.workflowId).terminate();
  const runs = await client.startBackup({ wait: true });
  const first = await until(async () => {
    const jobs = await client.jobs();
    return jobs.some(({ runId, state }) => runId === ended.runId && state === 'terminated')
      ? jobs
      : undefined;
  }, 'the index of the server');
  expect(first[0]).toMatchObject({ v: 1, kind: 'backup', state: 'running', runId: runs.runId });
  expect(new Set(first.map(({ runId }) => runId)).size).toBe(first.length);
  const { stdout } = await runCommand(['jobs'], { cwd: directory });
  const [title, line, ...others] = stdout.split('\n');
  expect(title?.split(/ +/)).toEqual(['RUN', 'KIND', 'STARTED', 'TOOK', 'STATE', 'BACKUP']);
  expect(line).toMatch(new RegExp(`^${runs.runId} +backup .* not begun yet$`));
  expect(others.join('\n')).toMatch(
    new RegExp(`^${ended.runId} +verify .* terminated, HF-CANCEL-001 +${id}$`, 'm'),
  );
});

it('tells of a journal on this host that nobody works on, and what to do', async () => {
  const workspace = join(directory, 'workspace');
  await mkdir(workspace, { recursive: true, mode: 0o700 });
  const ref = {
    v: 1,
    kind: 'restore',
    workflowId: `holdfast/${modelUuid}`,
    runId: 'run-1',
    backupId: id,
    directory: 'd',
    owner: 'o',
    host: { modelUuid, machine: 'machine-0', machineId: 'm' },
    plan: {
      storage: 'attic',
      storageRoot: 's',
      root: '/',
      dataDir: '/d',
      workspace,
      level: 1,
      compressor: 'zlib',
      memberSize: 1,
    },
  };
  const journal = { v: 1, ref, state: 'past-no-return', since: 0, temporal: 'elsewhere:7233' };
  await writeFile(join(workspace, 'operation.json'), JSON.stringify(journal));
  try {
    const { status, stderr } = await runCommand(['jobs'], { cwd: directory });
    expect(status).toBe(0);
    expect(stderr).toContain(`this host holds an interrupted restore of backup ${id} (run run-1,`);
    expect(stderr).toContain('`holdfast restore --resume`');
    const { stdout } = await runCommand(['jobs', '--json'], { cwd: directory });
    expect(JSON.parse(stdout)).toMatchObject({
      v: 1,
      interrupted: { kind: 'restore', runId: 'run-1', state: 'past-no-return' },
    });
    await client.startBackup({ wait: true });
    const owned = await runCommand(['jobs', '--json'], { cwd: directory });
    expect(documentSchemas.jobs.parse(JSON.parse(owned.stdout))).toMatchObject({
      interrupted: null,
    });
  } finally {
    await rm(workspace, { recursive: true });
  }
});

it('says within seconds that no worker answers a cancel', async () => {
  await client.startBackup({ wait: true });
  const { status, stderr } = await runCommand(['cancel'], { cwd: directory });
  expect(status).toBe(17);
  expect(stderr).toContain('[HF-JOB-002] no worker answered on the queue holdfast');
});

describe('Ctrl-C on a terminal', () => {
  /** The command on a real pseudo terminal, which `script` of util-linux makes. */
  function onTerminal(args: readonly string[]) {
    const main = join(__dirname, '../../dist/client/cli/main.js');
    const command = [process.execPath, main, ...args].map((word) => `'${word}'`).join(' ');
    const child = spawn('script', ['-qefc', command, '/dev/null'], {
      cwd: directory,
      env: { PATH: '/usr/bin:/bin', HOME: directory, TERM: 'xterm', SHELL: '/bin/sh' },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const text = collect(child.stdout);
    const ended = new Promise((resolve) => child.once('close', resolve));
    return { child, text, ended, type: (keys: string) => child.stdin.write(keys) };
  }

  it('detaches, says how to come back, and offers to cancel with a second one', async () => {
    const { text, ended, type } = onTerminal(['create', '--wait']);
    await until(() => text().includes('nothing has started yet'), 'the start');
    type('\u0003');
    await until(() => text().includes('Ctrl-C once more'), 'the offer');
    expect(text()).toMatch(/holdfast watch [0-9a-f-]{36}/);
    type('\u0003');
    await until(() => text().includes('Cancel the backup? [y/N]'), 'the question');
    type('n\n');
    expect(await ended).toBe(130);
    expect(text()).toContain('the backup goes on');
    const { status } = await server.client.workflow.getHandle(`holdfast/${modelUuid}`).describe();
    expect(status.name).toBe('RUNNING');
  });

  it('leaves the operation alone when no second one comes', async () => {
    const { text, ended, type } = onTerminal(['create', '--wait']);
    await until(() => text().includes('nothing has started yet'), 'the start');
    type('\u0003');
    expect(await ended).toBe(130);
    expect(text()).not.toContain('[y/N]');
  });
});
