#!/usr/bin/env node
/**
 * Records the workflow histories of this version, once per release:
 *
 *     node tools/record-histories.mjs [--again]
 *
 * They are those of the tests in test/workflows, run against a real Temporal server, and land in
 * test/histories/VERSION, one file each. From then on test/workflows/replay.test.ts replays them with
 * every later version. Histories that are there are never replaced, except with --again, which is
 * right only for a version that nobody runs yet. Exit status: that of the tests, 2 for wrong usage.
 */
import { spawnSync } from 'node:child_process';
import { readdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** @param {string[]} args @returns {Promise<number>} the exit status */
async function main(args) {
  if (args.some((arg) => arg !== '--again')) {
    process.stderr.write('usage: record-histories.mjs [--again]\n');
    return 2;
  }
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const directory = join(root, 'test', 'histories', version);
  const recorded = await readdir(directory).catch((error) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  if (recorded.length > 0 && !args.includes('--again')) {
    process.stderr.write(`the histories of ${version} are recorded already: ${directory}\n`);
    return 2;
  }
  for (const name of recorded) await rm(join(directory, name));
  const jest = join(root, 'node_modules', 'jest', 'bin', 'jest.js');
  const { status } = spawnSync(process.execPath, [jest, 'test/workflows/(backup|restore|stored)'], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, HOLDFAST_RECORD_HISTORIES: directory },
  });
  return status ?? 1;
}

process.exitCode = await main(process.argv.slice(2));
