import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fakeProgram, startNode, temporaryDirectory, tools } from './tool';

const report = {
  numPassedTests: 5,
  numFailedTests: 1,
  numPendingTests: 2,
  numTodoTests: 1,
  testResults: [
    { status: 'passed', assertionResults: [{ status: 'passed' }] },
    { status: 'failed', assertionResults: [{ status: 'failed' }, { status: 'passed' }] },
    { status: 'failed', assertionResults: [] },
  ],
};
const allPassed = { ...report, numFailedTests: 0, testResults: [] };

let root: string;
let env: NodeJS.ProcessEnv;

/** A repository in small: the real tools, and fakes for all that they start. */
beforeEach(async () => {
  root = await temporaryDirectory();
  await cp(tools, join(root, 'tools'), { recursive: true });
  const scripts = { build: 'true', types: 'true', lint: 'true', 'format:check': 'true' };
  await writeFile(join(root, 'package.json'), JSON.stringify({ name: 'x', scripts }));
  const lockfile = { name: 'x', lockfileVersion: 3, packages: {} };
  await writeFile(join(root, 'package-lock.json'), `${JSON.stringify(lockfile, null, 2)}\n`);
  const named: [string, string][] = [
    ['HOLDFAST_TEMPORAL_CLI', 'temporal version 1.5.1'],
    ['HOLDFAST_MONGOD', 'db version v6.0.5'],
    ['HOLDFAST_MONGOD44', 'db version v4.4.2'],
    ['HOLDFAST_MONGODUMP', 'mongodump version: 100.9.0'],
    ['HOLDFAST_MONGORESTORE', 'mongorestore version: 100.9.0'],
    ['HOLDFAST_BSONDUMP', 'bsondump version: 100.9.0'],
    ['HOLDFAST_VERSITYGW', 'Version  : v1.8.0'],
  ];
  env = { HOME: root, PATH: `${dirname(process.execPath)}:/usr/bin:/bin` };
  for (const [variable, says] of named) {
    env[variable] = await fakeProgram(join(root, 'fake', variable), [`echo "${says}"`]);
  }
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** Jest's place is taken by a few lines that can use `report` and `outputFile`. */
async function jestIs(lines: string): Promise<void> {
  await mkdir(join(root, 'node_modules/.bin'), { recursive: true });
  const find = `const outputFile = process.argv.find((a) => a.startsWith('--outputFile=')).slice(13);`;
  const write = `const write = (report) => require('node:fs').writeFileSync(outputFile, JSON.stringify(report));`;
  await writeFile(join(root, 'node_modules/.bin/jest'), `${find}\n${write}\n${lines}`);
}

interface Run {
  status: number | null;
  lines: string[];
}

function runTests(args: string[] = [], onJest = (_stop: () => void): void => {}): Promise<Run> {
  return new Promise((resolve) => {
    const child = startNode([join(root, 'tools/test.mjs'), ...args], env);
    let said = '';
    child.stdout?.on('data', (text) => {
      said += String(text);
      if (String(text).includes('jest is running')) onJest(() => child.kill('SIGTERM'));
    });
    child.once('close', (status) => resolve({ status, lines: said.trimEnd().split('\n') }));
  });
}

const withoutSeconds = (lines: string[]): string[] =>
  lines.map((line) => line.replace(/\d+\.\d s$/, 'N s'));

test('each step is named and timed, and the last line counts the tests', async () => {
  await jestIs(`write(${JSON.stringify(allPassed)}); console.log(process.env.HOLDFAST_MONGOD);`);
  const { status, lines } = await runTests();
  expect(withoutSeconds(lines)).toEqual([
    ...['build', 'types', 'lint', 'format', 'lockfile', 'servers'].flatMap((name) => [
      `== ${name}`,
      `== ${name}: ok in N s`,
    ]),
    '== jest',
    env.HOLDFAST_MONGOD,
    '== jest: ok in N s',
    '5 passed, 0 failed, 3 skipped',
  ]);
  expect(status).toBe(0);
});

test('a suite that could not run counts as one failure beside the failed tests', async () => {
  await jestIs(`write(${JSON.stringify(report)}); process.exitCode = 1;`);
  const { status, lines } = await runTests();
  expect(lines.at(-1)).toBe('5 passed, 2 failed, 3 skipped');
  expect(status).toBe(1);
});

test('a Jest that fails without a report counts as one failure', async () => {
  await jestIs('process.exitCode = 1;');
  const { status, lines } = await runTests();
  expect(lines.at(-1)).toBe('0 passed, 1 failed, 0 skipped');
  expect(status).toBe(1);
});

test('a step that fails ends the run as one failure', async () => {
  const scripts = { build: 'true', types: 'false' };
  await writeFile(join(root, 'package.json'), JSON.stringify({ name: 'x', scripts }));
  const { status, lines } = await runTests();
  expect(withoutSeconds(lines).slice(2)).toEqual([
    '== types',
    '== types: FAILED in N s',
    '0 passed, 1 failed, 0 skipped',
  ]);
  expect(status).toBe(1);
});

test('no test at all is not a success', async () => {
  await jestIs(`write(${JSON.stringify({ ...allPassed, numPassedTests: 0 })});`);
  const { status, lines } = await runTests();
  expect(lines.at(-1)).toBe('0 passed, 0 failed, 3 skipped');
  expect(status).toBe(1);
});

test('further arguments are handed to Jest', async () => {
  await jestIs(
    `write(${JSON.stringify(allPassed)}); console.log(process.argv.slice(-2).join(' '));`,
  );
  const { lines } = await runTests(['-t', 'one']);
  expect(lines).toContain('-t one');
});

test('SIGTERM is passed on, and the last line is still printed', async () => {
  await jestIs(`console.log('jest is running'); setInterval(() => {}, 1000);`);
  const { status, lines } = await runTests([], (stop) => stop());
  expect(lines.at(-1)).toBe('0 passed, 1 failed, 0 skipped');
  expect(status).toBe(1);
});
