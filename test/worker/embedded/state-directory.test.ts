import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { identifyProcess } from '../../../worker/process-identity';
import {
  readServerRecord,
  requireSameVersion,
  writeServerRecord,
} from '../../../worker/embedded/server-record';
import { StateDirectory } from '../../../worker/embedded/state-directory';
import { removeDirectories, temporaryDirectory } from '../../client/temporary';

afterAll(removeDirectories);

const started = Date.UTC(2026, 0, 2, 3, 4, 5);
const newState = async () => join(await temporaryDirectory(), 'state');

it('has one owner, named to the second one', async () => {
  const path = await newState();
  const state = await StateDirectory.take(path, process.pid, started);
  expect((await stat(path)).mode & 0o777).toBe(0o700);
  await expect(StateDirectory.take(path, process.pid, started)).rejects.toMatchObject({
    code: 'HF-TEMPORAL-004',
    exit: 11,
    message: `state directory ${path} is in use by process ${process.pid}, started 2026-01-02T03:04:05.000Z`,
  });
  await state.requireOwned();
  await state.release();
  const next = await StateDirectory.take(path, process.pid, started);
  await next.release();
  expect(await readdir(path)).toEqual(['up.lock.2']);
});

it('comes to the next one when its owner was killed, or its pid is another process now', async () => {
  const path = await newState();
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  const state = await StateDirectory.take(path, child.pid ?? 0, started);
  await expect(StateDirectory.take(path, process.pid, started)).rejects.toMatchObject({
    code: 'HF-TEMPORAL-004',
  });
  child.kill('SIGKILL');
  await once(child, 'exit');
  const next = await StateDirectory.take(path, process.pid, started);
  await expect(state.requireOwned()).rejects.toMatchObject({ code: 'HF-TEMPORAL-004' });
  await next.requireOwned();

  const lock = join(path, 'up.lock.2');
  const owner = await readFile(lock, 'utf8');
  await writeFile(lock, owner.replace(/"startTime":"[^"]+"/, '"startTime":"another boot/1"'));
  await (await StateDirectory.take(path, process.pid, started)).release();
});

it('is taken by exactly one of many that find a stale lock at once', async () => {
  const path = await newState();
  await (await StateDirectory.take(path, process.pid, started)).release();
  await writeFile(join(path, 'up.lock.1'), 'nothing that a lock holds');
  const children = await Promise.all(
    Array.from({ length: 6 }, async () => {
      const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
      await once(child, 'spawn');
      return child;
    }),
  );
  const attempts = await Promise.allSettled(
    children.map(({ pid }) => StateDirectory.take(path, pid ?? 0, started)),
  );
  for (const child of children) child.kill('SIGKILL');
  expect(attempts.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
});

it('records the server version and refuses another one unless told otherwise', async () => {
  const path = join(await temporaryDirectory(), 'server.json');
  expect(await readServerRecord(path)).toBeUndefined();
  const self = await identifyProcess(process.pid);
  await writeServerRecord(path, { v: 1, version: '1.29.1', ...(self ? { process: self } : {}) });
  const record = await readServerRecord(path);
  expect(record).toEqual({ v: 1, version: '1.29.1', process: self });
  requireSameVersion(record, '1.29.1', false);
  requireSameVersion(record, '1.31.2', true);
  requireSameVersion(undefined, '1.31.2', false);
  expect(() => requireSameVersion(record, '1.31.2', false)).toThrow(
    'was written by Temporal server 1.29.1, this one is 1.31.2',
  );
});
