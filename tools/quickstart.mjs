#!/usr/bin/env node
/**
 * The quickstart, from a bare checkout: installs the dependencies when they are missing, finds or
 * gets the servers, builds, and runs examples/quickstart. Its arguments are passed on.
 *
 *     node tools/quickstart.mjs [--keep] [--size 10M]
 *
 * Exit status: 0 only if what was restored equals what was there before.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findServer, ServerUnavailable } from './servers.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** @param {string} command @param {string[]} args */
function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2] });
  if (error !== undefined) throw error;
  if (status !== 0) {
    process.stderr.write(`${[command, ...args].join(' ')} failed with status ${status}\n`);
    process.exit(1);
  }
}

/** npm writes this file last: without it an install was never finished. */
function installDependencies() {
  if (existsSync(join(root, 'node_modules', '.package-lock.json'))) return;
  process.stderr.write('installing the dependencies (npm ci)\n');
  // Under `npm run` a nested npm is silent even when it fails, unless it is told to speak.
  run('npm', ['ci', '--loglevel=error', '--no-audit', '--no-fund']);
}

/** @returns {Promise<Record<string, string>>} the environment that names the servers */
async function findServers() {
  const temporal = await findServer('temporal');
  const mongod = await findServer('mongod');
  return { HOLDFAST_TEMPORAL_CLI: temporal.path, HOLDFAST_MONGOD: mongod.path };
}

/** @param {Record<string, string>} servers @returns {Promise<number>} exit status */
function play(servers) {
  const main = join(root, 'dist', 'examples', 'quickstart', 'main.js');
  const child = spawn(process.execPath, [main, ...process.argv.slice(2)], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...servers },
  });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve(signal === null ? (code ?? 1) : 1));
  });
}

try {
  installDependencies();
  const servers = await findServers();
  run(process.execPath, [join(root, 'tools', 'build.mjs')]);
  process.exitCode = await play(servers);
} catch (error) {
  if (!(error instanceof ServerUnavailable)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
