#!/usr/bin/env node
/**
 * Runs backups and restores and does harm to them at every step (test/faults): prints how each run
 * ended and, unless only some were asked for, writes docs/reliability.md.
 *
 *     node tools/faults.mjs [--runs 120] [--seed N] [--only INDEX,…] [--minutes 60]
 *       [--mongod 6.0,4.4] [--jobs 1] [--built] [--out FILE]
 *
 * Exit status: 0 when every run ended as it may, 1 when one did not, 2 when it could not begin.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findServer } from './servers.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The part that runs in the namespace is told so by its first argument. */
const inside = '--inside';
/** `dist` is what is to be tried. */
const built = '--built';

/** TypeScript is compiled as it is required: what runs here are the tests' own files. */
async function runHere() {
  const { transformFileSync } = await import('@swc/core');
  const require = createRequire(import.meta.url);
  const { Module } = require('node:module');
  Module._extensions['.ts'] = (module, file) => {
    const { code } = transformFileSync(file, {
      jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
      module: { type: 'commonjs' },
      sourceMaps: 'inline',
    });
    module._compile(code, file);
  };
  process.argv.splice(2, 1);
  require(join(root, 'test', 'faults', 'main.ts'));
}

/** Whether the kernel lets this user mount a tmpfs of its own. */
function mayMount() {
  const script = 'mount -t tmpfs -o size=1m holdfast-faults /mnt';
  return (
    spawnSync('unshare', ['-Urmpf', '--mount-proc', 'sh', '-c', script], { stdio: 'ignore' })
      .status === 0
  );
}

/** @param {string[]} args @returns {Promise<number>} exit status */
async function runIsolated(args) {
  /** @type {Record<string, string>} */
  const servers = {};
  for (const name of [
    'temporal',
    'mongod',
    ...(args.some((arg) => arg.includes('4.4')) ? ['mongod44'] : []),
  ]) {
    const variable = name === 'temporal' ? 'TEMPORAL_CLI' : name.toUpperCase();
    servers[`HOLDFAST_${variable}`] = (await findServer(name)).path;
  }
  if (!args.includes(built)) {
    const { status } = spawnSync(process.execPath, [join(root, 'tools', 'build.mjs')], {
      stdio: 'inherit',
    });
    if (status !== 0) return 2;
  }
  const may = mayMount();
  const given = (/** @type {string} */ option) => args.some((arg) => arg.startsWith(option));
  const program = [
    // With processes of its own too: none of them outlives it, however it ends.
    ...(may ? ['unshare', '-Urmpf', '--kill-child', '--mount-proc'] : []),
    process.execPath,
    fileURLToPath(import.meta.url),
    inside,
    ...args.filter((arg) => arg !== built),
    ...(may ? [] : ['--no-volumes']),
    ...(given('--out') || given('--only') ? [] : ['--out', join(root, 'docs', 'reliability.md')]),
  ];
  const child = spawn(program[0] ?? '', program.slice(1), {
    stdio: 'inherit',
    env: { ...process.env, ...servers },
  });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => resolve(code ?? 2));
  });
}

if (process.argv[2] === inside) await runHere();
else process.exitCode = await runIsolated(process.argv.slice(2));
