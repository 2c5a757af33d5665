import { Runtime } from '@temporalio/worker';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { processEnvironment } from '../../config/environment';
import { loadConfig } from '../../config/load';
import { HoldfastClient } from '../../client';
import { TemporalLogger, createLogger } from '../../worker/logging';
import { registerSearchAttributes } from '../../worker/search-attributes';
import { requireBuild, runCommand, startCommand, collect } from './built-command';
import { modelUuid, removeDirectories, temporaryDirectory, until, writeConfig } from './temporary';

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
  for (const workflowId of [`holdfast/${modelUuid}`, `holdfast/${modelUuid}/verify/${id}`]) {
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
  expect(await registerSearchAttributes(server.connection, 'default')).toEqual([]);
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
  expect(stderr()).toContain(`-w holdfast/${modelUuid} -r ${runId}`);
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
    expect(JSON.parse(line)).toMatchObject({ type: 'status', v: 1, kind: 'backup' });
  }
  expect(JSON.parse(stderr())).toMatchObject({ type: 'error', code: 'HF-CANCEL-001', exit: 130 });
});
