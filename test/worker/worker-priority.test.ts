import { execFile } from 'node:child_process';
import { chmod, writeFile } from 'node:fs/promises';
import { getPriority } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { workerPriority } from '../../worker/worker-priority';
import { requireBuild } from '../client/built-command';
import { removeDirectories, temporaryDirectory } from '../client/temporary';
import { compiled } from '../examples/compiled';

const path = process.env['PATH'];

beforeAll(requireBuild);
afterAll(removeDirectories);

it('needs nothing for the priority it has', () => {
  expect(workerPriority({ nice: 0, ioClass: 'none' }, path)).toEqual({ prefix: [], problems: [] });
});

it('says which program is missing, and does without it', async () => {
  const directory = await temporaryDirectory();
  const nice = join(directory, 'nice');
  await writeFile(nice, '#!/bin/sh\n');
  expect(workerPriority({ nice: 19, ioClass: 'idle' }, directory)).toEqual({
    prefix: [],
    problems: [
      'nice is not on PATH: the host worker runs without it',
      'ionice is not on PATH: the host worker runs without it',
    ],
  });
  await chmod(nice, 0o700);
  expect(workerPriority({ nice: 19, ioClass: 'idle' }, `/nowhere:${directory}`)).toEqual({
    prefix: [nice, '-n', '19'],
    problems: ['ionice is not on PATH: the host worker runs without it'],
  });
});

it('reaches the threads that compress and the children, igzip among them', async () => {
  const directory = await temporaryDirectory();
  // Stands in for igzip: tells what priority it was started with.
  const child = join(directory, 'igzip');
  await writeFile(child, '#!/bin/sh\ncat > /dev/null\nnice\nionice -p $$\n', { mode: 0o700 });
  const script = `
    const { readFileSync, readdirSync } = require('node:fs');
    const { execFileSync } = require('node:child_process');
    const { zlibMember } = require(${JSON.stringify(compiled('archive/compressor.js'))});
    const { Igzip } = require(${JSON.stringify(compiled('archive/igzip.js'))});
    (async () => {
      const content = Buffer.alloc(4 * 1024 * 1024, 'compressed');
      const before = readdirSync('/proc/self/task');
      await Promise.all(Array.from({ length: 8 }, () => zlibMember(content, 1)));
      const pool = readdirSync('/proc/self/task').filter((thread) => !before.includes(thread));
      const threads = pool.map((thread) => {
        const stat = readFileSync('/proc/self/task/' + thread + '/stat', 'utf8');
        const nice = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16];
        return nice + ' ' + execFileSync('ionice', ['-p', thread], { encoding: 'utf8' }).trim();
      });
      const igzip = await Igzip.start(${JSON.stringify(child)}, 1);
      const told = await igzip.member(content);
      await igzip.close();
      console.log(JSON.stringify({ threads, child: told.toString().trim().split('\\n') }));
    })();
  `;
  const run = async (ioClass: 'idle' | 'best-effort', nice: number): Promise<unknown> => {
    const { prefix, problems } = workerPriority({ nice, ioClass }, path);
    expect(problems).toEqual([]);
    const [first = '', ...more] = prefix;
    const { stdout } = await promisify(execFile)(first, [...more, process.execPath, '-e', script]);
    return JSON.parse(stdout);
  };
  const own = getPriority();
  expect(await run('idle', 11)).toEqual({
    threads: Array.from({ length: 4 }, () => `${own + 11} idle`),
    child: [String(own + 11), 'idle'],
  });
  expect(await run('best-effort', 3)).toMatchObject({
    threads: Array.from({ length: 4 }, () => `${own + 3} best-effort: prio 7`),
    child: [String(own + 3), 'best-effort: prio 7'],
  });
}, 120_000);
