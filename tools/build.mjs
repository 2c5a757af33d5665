#!/usr/bin/env node
/**
 * Builds `dist`: the compiled sources, the workflow bundle that every workflow worker loads, and
 * an executable bin.
 *
 *     node tools/build.mjs [--if-missing]
 *
 * The build is made aside and takes the place of `dist` in one rename, so a process that starts
 * from `dist` finds all of the old one or all of the new one. Exit status: that of the compiler,
 * or 1 when the workflows cannot be bundled.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');
// `dist` below it keeps it out of git and of every tool that leaves `dist` alone.
const aside = join(root, `.build-${process.pid}`);
/** `bin` of package.json, below `dist`. */
const bin = ['client', 'cli', 'main.js'];

/** @returns {number} exit status of the compiler */
function compile() {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  if (!existsSync(tsc)) {
    process.stderr.write('the TypeScript compiler is not installed: run `npm ci` first\n');
    return 1;
  }
  const { status, error } = spawnSync(
    process.execPath,
    [tsc, '-p', 'tsconfig.build.json', '--outDir', join(aside, 'dist')],
    { cwd: root, stdio: ['ignore', 2, 2] },
  );
  if (error !== undefined) throw error;
  return status ?? 1;
}

/** The workflows, with everything they import, in one file that a worker loads without webpack. */
async function bundle() {
  const { bundleWorkflowCode } = await import('@temporalio/worker');
  const quiet = () => undefined;
  /** @param {string} message */
  const report = (message) => process.stderr.write(`${message}\n`);
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(aside, 'dist', 'workflows', 'index.js'),
    logger: { log: quiet, trace: quiet, debug: quiet, info: quiet, warn: report, error: report },
  });
  await writeFile(join(aside, 'dist', 'workflow-bundle.js'), code);
}

/** npm does so when it installs the package; a clone is run without. */
async function markExecutable() {
  await chmod(join(aside, 'dist', ...bin), 0o755);
}

/** @param {boolean} keepOther leave a `dist` that another build put there meanwhile */
async function putInPlace(keepOther) {
  if (keepOther && existsSync(dist)) return;
  if (existsSync(dist)) await rename(dist, join(aside, 'old'));
  try {
    await rename(join(aside, 'dist'), dist);
  } catch (error) {
    if (!keepOther || !existsSync(dist)) throw error;
  }
}

/** @param {string[]} args @returns {Promise<number>} the exit status */
async function main(args) {
  const unknown = args.filter((arg) => arg !== '--if-missing');
  if (unknown.length > 0) {
    process.stderr.write(`unknown: ${unknown.join(' ')}\nusage: build.mjs [--if-missing]\n`);
    return 2;
  }
  const ifMissing = args.includes('--if-missing');
  if (ifMissing && existsSync(dist)) return 0;
  await mkdir(aside, { recursive: true });
  try {
    const status = compile();
    if (status !== 0) return status;
    await bundle();
    await markExecutable();
    await putInPlace(ifMissing);
    return 0;
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

process.exitCode = await main(process.argv.slice(2));
