import { Connection } from '@temporalio/client';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { getPriority } from 'node:os';
import { join } from 'node:path';
import { probe } from '../../../worker/probe-server';
import { identifyProcess, isRunning, type ProcessIdentity } from '../../../worker/process-identity';
import { stopProcess } from '../../../worker/stop-process';
import { threadPriorities } from '../thread-priorities';
import { collect, requireBuild, runCommand, startCommand } from '../../client/built-command';
import {
  freePort,
  modelUuid,
  removeDirectories,
  temporaryDirectory,
  until,
  writeConfig,
} from '../../client/temporary';

const variables = { HOLDFAST_TEMPORAL_CLI: process.env['HOLDFAST_TEMPORAL_CLI'] ?? '' };
let directory: string;
let port: number;
let started: ProcessIdentity[];

beforeAll(requireBuild);

beforeEach(async () => {
  directory = await temporaryDirectory();
  port = await freePort();
  started = [];
  await writeConfig(directory, port);
});

afterEach(async () => {
  for (const identity of started) await stopProcess(identity, 1_000);
});

afterAll(removeDirectories);

/** Starts `holdfast up` and waits for its line; everything it started is ended after the test. */
async function startUp(...args: string[]) {
  const uiPort = String(await freePort());
  const child = startCommand(['up', '--json', '--state', 'state', '--ui-port', uiPort, ...args], {
    cwd: directory,
    variables,
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
  const line = await until(
    () => {
      if (child.exitCode !== null) throw new Error(`it ended: ${stderr()}`);
      return stdout()
        .split('\n')
        .find((text) => text.includes('"ready"'));
    },
    'the line that tells it is ready',
    50_000,
  ).catch((error: unknown) => {
    child.kill('SIGTERM');
    throw error;
  });
  const ready: unknown = JSON.parse(line);
  const record: unknown = JSON.parse(
    await readFile(join(directory, 'state', 'server.json'), 'utf8'),
  );
  const pids = [child.pid, ...(await childrenOf(child.pid ?? 0))];
  for (const pid of pids) {
    const identity = await identifyProcess(pid ?? 0);
    if (identity !== undefined) started.push(identity);
  }
  return { child, ended, ready, record, stderr };
}

async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return text.trim().split(' ').map(Number);
}

const allGone = async () => {
  const running = await Promise.all(started.map(isRunning));
  return !running.includes(true);
};

it('runs a server with search attributes and 90 days of retention, refuses a second one on its state directory, and leaves nothing running', async () => {
  const { child, ended, ready, record } = await startUp();
  const address = `127.0.0.1:${port}`;
  expect(ready).toMatchObject({ type: 'ready', v: 1, address, pid: child.pid });
  expect(JSON.stringify(record)).toMatch(/^\{"v":1,"version":"\d+\.\d+\.\d+","process":/);
  // up, server, watchdog, two workers
  expect(started).toHaveLength(5);

  const connection = await Connection.connect({ address });
  const namespace = 'default';
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  expect(Object.keys(customAttributes)).toEqual(
    expect.arrayContaining([
      'HoldfastBackupId',
      'HoldfastController',
      'HoldfastOutcome',
      'HoldfastPhase',
    ]),
  );
  // What the server says of its own settings is nowhere; an unknown one it only logs.
  const commandLines = await Promise.all(
    started.map(({ pid }) => readFile(`/proc/${pid}/cmdline`, 'utf8')),
  );
  expect(commandLines.join()).toContain('history.transferProcessorMaxPollRPS=1000');
  const { config } = await connection.workflowService.describeNamespace({ namespace });
  expect(Number(config?.workflowExecutionRetentionTtl?.seconds)).toBe(90 * 24 * 3_600);
  await connection.close();

  const second = await runCommand(['up', '--state', 'state', '--port', String(await freePort())], {
    cwd: directory,
    variables,
  });
  expect(second.status).toBe(11);
  expect(second.stderr).toContain(`[HF-TEMPORAL-004] state directory`);
  expect(second.stderr).toContain(`in use by process ${child.pid}`);

  const other = await runCommand(['up', '--state', 'other'], { cwd: directory, variables });
  expect(other.status).toBe(17);
  expect(other.stderr).toContain(`${address} is already in use`);

  child.kill('SIGTERM');
  expect(await ended).toBe(0);
  expect(await allGone()).toBe(true);
  expect(await probe(address)).toBe('ECONNREFUSED');
});

it('runs the host worker at the priority that is configured, in all its threads, and the others at their own', async () => {
  await appendFile(join(directory, 'holdfast.yaml'), 'limits: {nice: 7, ioClass: idle}\n');
  const { child, ended } = await startUp();
  const seen = new Map<string, Set<string>>();
  for (const { pid } of started) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8');
    const role = /main\.js\0(workflow|host)\0/.exec(command)?.[1] ?? 'other';
    const priorities = threadPriorities(pid);
    seen.set(role, new Set([...(seen.get(role) ?? []), ...priorities]));
  }
  const own = threadPriorities(process.pid)[0] ?? '';
  expect(seen.get('workflow')).toEqual(new Set([own]));
  expect(seen.get('other')).toEqual(new Set([own]));
  expect(seen.get('host')).toEqual(new Set([`nice ${getPriority() + 7}, idle`]));
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
});

it('refuses a database of another server version until it is told to accept it', async () => {
  const first = await startUp('--no-worker');
  first.child.kill('SIGINT');
  expect(await first.ended).toBe(0);
  const file = join(directory, 'state', 'server.json');
  await writeFile(file, JSON.stringify({ v: 1, version: '1.0.0' }));
  const refused = await runCommand(['up', '--state', 'state', '--no-worker'], {
    cwd: directory,
    variables,
  });
  expect(refused.status).toBe(15);
  expect(refused.stderr).toContain('written by Temporal server 1.0.0');
  const accepted = await startUp('--no-worker', '--new-server-version');
  expect(accepted.record).not.toMatchObject({ version: '1.0.0' });
  accepted.child.kill('SIGTERM');
  expect(await accepted.ended).toBe(0);
});

it('killed, it leaves nothing running for long, and the next one takes the state directory over', async () => {
  const { child, ended } = await startUp();
  child.kill('SIGKILL');
  await ended;
  await until(allGone, 'the end of server, watchdog and workers');
  const next = await startUp('--no-worker');
  next.child.kill('SIGTERM');
  expect(await next.ended).toBe(0);
});

it('killed together with its watchdog, its server is ended by the next one', async () => {
  const { child, ended, record } = await startUp('--no-worker');
  const server = started.find(({ pid }) => JSON.stringify(record).includes(`"pid":${pid},`));
  const watchdog = started.find(({ pid }) => pid !== child.pid && pid !== server?.pid);
  process.kill(watchdog?.pid ?? 0, 'SIGKILL');
  child.kill('SIGKILL');
  await ended;
  expect(server && (await isRunning(server))).toBe(true);
  const next = await startUp('--no-worker');
  expect(server && (await isRunning(server))).toBe(false);
  next.child.kill('SIGTERM');
  expect(await next.ended).toBe(0);
});

it('its workers are the two of this host, and end with status and error of their own when they cannot start', async () => {
  const { child, ended, stderr } = await startUp();
  expect(stderr()).toBe('');
  const log = join(directory, 'state', 'workers.log');
  for (const queue of ['holdfast', `holdfast-host/${modelUuid}/machine-0`]) {
    const running = `"taskQueue":"${queue}","state":"RUNNING"`;
    await until(async () => (await readFile(log, 'utf8')).includes(running), running);
  }
  child.kill('SIGTERM');
  expect(await ended).toBe(0);

  await writeFile(
    join(directory, 'anonymous.yaml'),
    `storage: {type: file, path: s}\nworkspace: w\ncontroller: {root: nowhere}\ntemporal: {address: '127.0.0.1:${port}'}\n`,
  );
  const failed = await runCommand(['up', '--config', 'anonymous.yaml', '--state', 'third'], {
    cwd: directory,
    variables,
  });
  expect(failed.status).toBe(14);
  expect(failed.stderr).toContain('error: [HF-HOST-001]');
  expect(await probe(`127.0.0.1:${port}`)).toBe('ECONNREFUSED');
});
