#!/usr/bin/env node
/**
 * The pictures of docs/web-ui.md, taken by a headless Chromium from a real run.
 *
 *     node tools/screenshots.mjs [--size 200M] [--to docs/images]
 *
 * Needs Chromium (HOLDFAST_CHROMIUM, or on PATH) and pngquant for pictures that become too large.
 */
import { spawn, spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findServer, ServerUnavailable } from './servers.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** @returns {Promise<Record<string, string>>} the environment that names the programs */
async function findPrograms() {
  const [chromium, temporal, mongod] = [
    await findServer('chromium'),
    await findServer('temporal'),
    await findServer('mongod'),
  ];
  return {
    HOLDFAST_CHROMIUM: chromium.path,
    HOLDFAST_TEMPORAL_CLI: temporal.path,
    HOLDFAST_MONGOD: mongod.path,
  };
}

/** @param {Record<string, string>} programs @returns {Promise<number>} exit status */
function play(programs) {
  const main = join(root, 'dist', 'examples', 'screenshots', 'main.js');
  const child = spawn(process.execPath, [main, ...process.argv.slice(2)], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...programs },
  });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve(signal === null ? (code ?? 1) : 1));
  });
}

try {
  const programs = await findPrograms();
  const build = [join(root, 'tools', 'build.mjs')];
  const { status } = spawnSync(process.execPath, build, { stdio: ['ignore', 2, 2] });
  process.exitCode = status === 0 ? await play(programs) : 1;
} catch (error) {
  if (!(error instanceof ServerUnavailable)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
