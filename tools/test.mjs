#!/usr/bin/env node
/**
 * All the checks of this repository, one after the other: `npm test`, or `npm test -- JEST-ARGUMENT...`.
 *
 * Each step is named before and timed after; the first one that fails ends the run. The last line is
 * always `N passed, N failed, N skipped`. Exit status 0 only when nothing failed and something passed.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { countTests, line, noTests } from './test/count.mjs';
import { StepRunner } from './test/step-runner.mjs';
import { servers } from './servers/table.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SERVERS = [
  'temporal',
  'mongod',
  'mongod44',
  'mongodump',
  'mongorestore',
  'bsondump',
  'versitygw',
];

/** @param {string[]} jestArguments @returns {Promise<import('./test/count.mjs').Count>} */
async function runAll(jestArguments) {
  const scratch = await mkdtemp(path.join(os.tmpdir(), 'holdfast-test-'));
  const steps = new StepRunner(ROOT, process.env);
  try {
    const passed =
      (await steps.step('build', 'npm', ['run', '-s', 'build'])) &&
      (await steps.step('types', 'npm', ['run', '-s', 'types'])) &&
      (await steps.step('lint', 'npm', ['run', '-s', 'lint'])) &&
      (await steps.step('format', 'npm', ['run', '-s', 'format:check'])) &&
      (await steps.step('lockfile', process.execPath, [
        'tools/complete-lockfile.mjs',
        '--check',
      ])) &&
      (await findServers(steps));
    return passed
      ? await runJest(steps, jestArguments, path.join(scratch, 'jest.json'))
      : noTests({ failed: 1 });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** What is found is handed on in the variables that name each server, so that Jest looks for nothing. */
async function findServers(/** @type {StepRunner} */ steps) {
  const args = ['tools/servers.mjs', '--json', ...SERVERS];
  const said = await steps.stepWithOutput('servers', process.execPath, args);
  if (said === undefined) return false;
  for (const [name, found] of Object.entries(JSON.parse(said))) {
    Object.assign(steps.env, found.env, { [servers[name].variable]: found.path });
  }
  return true;
}

/** @param {StepRunner} steps @param {string[]} args @param {string} outputFile */
async function runJest(steps, args, outputFile) {
  const jest = ['node_modules/.bin/jest', '--json', `--outputFile=${outputFile}`, ...args];
  const passed = await steps.step('jest', process.execPath, jest);
  const count = await countTests(outputFile);
  return passed || count.failed > 0 ? count : { ...count, failed: 1 };
}

const count = await runAll(process.argv.slice(2));
process.stdout.write(`${line(count)}\n`);
process.exitCode = count.failed === 0 && count.passed > 0 ? 0 : 1;
