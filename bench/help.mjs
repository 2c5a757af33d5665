#!/usr/bin/env node
/**
 * How much longer `holdfast --help` takes than a bare Node.js:
 *
 *     npm run build && node bench/help.mjs [--runs 21]
 *
 * Both are run in turn, so that what else the machine does meets both; medians are compared. Exit
 * status 1 above the bar of 150 ms.
 */
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** Milliseconds. */
const bar = 150;

const { values } = parseArgs({ options: { runs: { type: 'string', default: '21' } } });
const runs = Math.max(11, Number(values.runs));
const commands = {
  'node -e 0': ['-e', '0'],
  'holdfast --help': [join(root, 'dist', 'client', 'cli', 'main.js'), '--help'],
};

/** @param {readonly string[]} args @returns {number} milliseconds */
function time(args) {
  const began = performance.now();
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${args.join(' ')}: status ${status}\n${stderr}`);
  return performance.now() - began;
}

/** @param {readonly number[]} numbers */
const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;

/** @type {Map<string, number[]>} */
const took = new Map(Object.keys(commands).map((name) => [name, []]));
for (let run = -1; run < runs; run += 1) {
  for (const [name, args] of Object.entries(commands)) {
    const milliseconds = time(args);
    // The first of each only fills the file system's cache.
    if (run >= 0) took.get(name)?.push(milliseconds);
  }
}
const medians = [...took].map(([name, times]) => {
  const middle = median(times);
  const range = `${Math.min(...times).toFixed(0)} to ${Math.max(...times).toFixed(0)}`;
  process.stdout.write(`${name.padEnd(16)} ${middle.toFixed(0).padStart(5)} ms   (${range})\n`);
  return middle;
});
const difference = (medians[1] ?? 0) - (medians[0] ?? 0);
process.stdout.write(
  `difference       ${difference.toFixed(0).padStart(5)} ms, of ${bar} ms; medians of ${runs} runs\n`,
);
if (difference > bar) process.exitCode = 1;
