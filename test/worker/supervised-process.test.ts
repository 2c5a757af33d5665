import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { WorkerStartError } from '../../worker/child-messages';
import { identifyProcess, isRunning } from '../../worker/process-identity';
import { SupervisedProcess, type ProcessEvents } from '../../worker/supervised-process';
import { requireBuild } from '../client/built-command';
import { removeDirectories, temporaryDirectory, until } from '../client/temporary';

afterAll(removeDirectories);

function supervise(script: string, grace = 5_000) {
  const seen = { ready: [] as string[], restarts: [] as string[] };
  const events: ProcessEvents = {
    ready: (role, queue) => void seen.ready.push(`${role} ${queue}`),
    restarting: (role, how) => void seen.restarts.push(`${role} ${how}`),
  };
  const supervised = new SupervisedProcess(
    {
      role: 'host',
      command: [process.execPath, '-e', script],
      variables: { PATH: process.env['PATH'] },
      log: 'inherit',
      grace,
      restartAfter: 20,
    },
    events,
  );
  return { supervised, seen };
}

const steady = `process.once('disconnect', () => process.exit()); console.log('ready q');`;

it('starts a process again when it dies, and says how it died', async () => {
  const { supervised, seen } = supervise(steady);
  await supervised.start();
  const first = supervised.pid ?? 0;
  process.kill(first, 'SIGKILL');
  await until(() => seen.ready.length === 2, 'a second start');
  expect(supervised.pid).not.toBe(first);
  expect(seen).toEqual({ ready: ['host q', 'host q'], restarts: ['host was ended by SIGKILL'] });
  await supervised.stop();
});

it('stops a process with SIGTERM and does not start it again', async () => {
  const { supervised, seen } = supervise(
    `process.once('SIGTERM', () => process.exit(0)); ${steady}`,
  );
  await supervised.start();
  const identity = await identifyProcess(supervised.pid ?? 0);
  await supervised.stop();
  expect(identity && (await isRunning(identity))).toBe(false);
  expect(seen.restarts).toEqual([]);
  await supervised.stop();
});

it('kills a process that does not end within its grace', async () => {
  const { supervised } = supervise(`process.on('SIGTERM', () => {}); ${steady}`, 100);
  await supervised.start();
  const began = performance.now();
  await supervised.stop();
  expect(performance.now() - began).toBeLessThan(20_000);
  expect(supervised.pid).toBeUndefined();
});

it('gives up a process that ends before it was ever ready, with the failure it told', async () => {
  const failure = { type: 'failed', v: 1, code: 'HF-HOST-001', hint: 'h', exit: 14, message: 'm' };
  const { supervised, seen } = supervise(
    `process.send(${JSON.stringify(failure)}, () => process.exit(14));`,
  );
  const error: unknown = await supervised.start().catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(WorkerStartError);
  expect(error).toMatchObject({ role: 'host', failure });
  expect(seen.restarts).toEqual([]);
});

it('gives up a program that cannot be run', async () => {
  const { supervised } = supervise('process.exit(7)');
  await expect(supervised.start()).rejects.toMatchObject({
    failure: {
      code: 'HF-INTERNAL-001',
      message: 'unexpected: the host worker ended with status 7',
    },
  });
});

it('its processes end when the process that supervises them is killed', async () => {
  requireBuild();
  const directory = await temporaryDirectory();
  await mkdir(directory, { recursive: true });
  const script = join(directory, 'parent.js');
  const built = join(__dirname, '../../dist/worker/supervised-process.js');
  await writeFile(
    script,
    `const { SupervisedProcess } = require(${JSON.stringify(built)});
     const plan = { role: 'host', command: [process.execPath, '-e', ${JSON.stringify(steady)}],
       variables: {}, log: 'inherit', grace: 1000, restartAfter: 20 };
     const supervised = new SupervisedProcess(plan, { ready: () => {}, restarting: () => {} });
     supervised.start().then(() => console.log(supervised.pid));`,
  );
  const parent = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const line: unknown = (await once(createInterface({ input: parent.stdout }), 'line'))[0];
  const child = await identifyProcess(Number(line));
  expect(child).toBeDefined();
  parent.kill('SIGKILL');
  await until(async () => child !== undefined && !(await isRunning(child)), 'the end of the child');
});
