import { readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { runModule, temporaryDirectory, type Outcome } from './tool';

let directory: string;
let lock: string;

beforeEach(async () => {
  directory = await temporaryDirectory();
  lock = join(directory, 'lock');
});
afterEach(() => rm(directory, { recursive: true, force: true }));

/** Takes the lock, notes its beginning and its end, and stays in between for a moment. */
function work(): Promise<Outcome> {
  return runModule(
    `const { withLock } = await import(tools + 'servers/lock.mjs');
     const { appendFileSync } = await import('node:fs');
     const { setTimeout } = await import('node:timers/promises');
     await withLock(args[0], {}, async () => {
       appendFileSync(args[1], 'begin ');
       await setTimeout(100);
       appendFileSync(args[1], 'end ');
     });`,
    [lock, join(directory, 'log')],
  );
}

test('one at a time holds the lock, and the lock is gone at the end', async () => {
  await Promise.all(Array.from({ length: 5 }, work));
  expect(await readFile(join(directory, 'log'), 'utf8')).toBe('begin end '.repeat(5));
  expect(await readdir(directory)).toEqual(['log']);
});

test('a dead holder on this host is followed by exactly one of those who wait', async () => {
  await writeFile(lock, JSON.stringify({ pid: 2 ** 30, host: hostname(), id: 'dead' }));
  await Promise.all(Array.from({ length: 4 }, work));
  expect(await readFile(join(directory, 'log'), 'utf8')).toBe('begin end '.repeat(4));
});

test('a holder of another host counts as gone after a minute of silence', async () => {
  await writeFile(lock, JSON.stringify({ pid: process.pid, host: 'elsewhere', id: 'silent' }));
  const longAgo = new Date(Date.now() - 61_000);
  await utimes(lock, longAgo, longAgo);
  expect((await work()).status).toBe(0);
});

test('a living holder is waited for', async () => {
  await writeFile(lock, JSON.stringify({ pid: process.pid, host: hostname(), id: 'alive' }));
  const waiting = work();
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect(await readdir(directory)).toEqual(['lock']);
  await rm(lock);
  expect((await waiting).status).toBe(0);
});
