import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { runTool, temporaryDirectory } from './tool';

let directory: string;
let file: string;

beforeEach(async () => {
  directory = await temporaryDirectory();
  file = join(directory, 'package-lock.json');
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const write = (lockfile: unknown): Promise<void> =>
  writeFile(file, `${JSON.stringify(lockfile, null, 2)}\n`);
const lockfileOf = (packages: object): object => ({ name: 'x', lockfileVersion: 3, packages });

const incomplete = lockfileOf({
  '': { name: 'x', dependencies: { tool: '1.0.0' } },
  'node_modules/tool': {
    version: '1.0.0',
    resolved: 'https://registry.example/tool/-/tool-1.0.0.tgz',
    integrity: 'sha512-AA==',
    dev: true,
    optionalDependencies: {
      '@tool/darwin-arm64': '1.0.0',
      '@tool/linux-x64-musl': '1.0.0',
      '@tool/win32-ia32-msvc': '1.0.0',
      '@tool/wasm32-wasi': '1.0.0',
      'tool-linux-x64-gnu': '1.0.0',
      fsevents: '~2.3.2',
    },
  },
  'node_modules/tool-linux-x64-gnu': { version: '1.0.0', integrity: 'sha512-BB==', optional: true },
});

const lockfileSchema = z.object({ packages: z.record(z.string(), z.looseObject({})) });

async function completed(lockfile: unknown): Promise<Record<string, object>> {
  await write(lockfile);
  expect(await runTool('complete-lockfile.mjs', [file])).toMatchObject({ status: 0, stderr: '' });
  return lockfileSchema.parse(JSON.parse(await readFile(file, 'utf8'))).packages;
}

test('addresses go, checksums stay, and the platform packages that npm left out are added', async () => {
  const packages = await completed(incomplete);
  const stub = { version: '1.0.0', dev: true, optional: true };
  expect(packages).toEqual({
    '': { name: 'x', dependencies: { tool: '1.0.0' } },
    'node_modules/@tool/darwin-arm64': { ...stub, os: ['darwin'], cpu: ['arm64'] },
    'node_modules/@tool/linux-x64-musl': { ...stub, os: ['linux'], cpu: ['x64'], libc: ['musl'] },
    'node_modules/@tool/wasm32-wasi': { ...stub, cpu: ['wasm32'] },
    'node_modules/@tool/win32-ia32-msvc': { ...stub, os: ['win32'], cpu: ['ia32'] },
    'node_modules/fsevents': { ...stub, version: '2.3.2', os: ['darwin'] },
    'node_modules/tool': expect.not.objectContaining({ resolved: expect.anything() }),
    'node_modules/tool-linux-x64-gnu': {
      version: '1.0.0',
      integrity: 'sha512-BB==',
      optional: true,
    },
  });
  expect(packages['node_modules/tool']).toHaveProperty('integrity', 'sha512-AA==');
});

test('entries are in the order of their paths, keys in the order npm writes', async () => {
  const packages = await completed(incomplete);
  const paths = Object.keys(packages);
  expect(paths).toEqual(paths.toSorted((one, other) => one.localeCompare(other, 'en')));
  expect(Object.keys(packages['node_modules/@tool/linux-x64-musl'] ?? {})).toEqual([
    'version',
    'cpu',
    'dev',
    'libc',
    'optional',
    'os',
  ]);
});

test('a second run changes nothing', async () => {
  await completed(incomplete);
  const once = await readFile(file, 'utf8');
  expect(await runTool('complete-lockfile.mjs', ['--check', file])).toMatchObject({ status: 0 });
  await runTool('complete-lockfile.mjs', [file]);
  expect(await readFile(file, 'utf8')).toBe(once);
});

test('a platform package of another version gets its own entry below the one that pins it', async () => {
  const packages = await completed(
    lockfileOf({
      'node_modules/@tool/darwin-x64': { version: '1.0.0', optional: true },
      'node_modules/tool': {
        version: '2.0.0',
        optionalDependencies: { '@tool/darwin-x64': '2.0.0' },
      },
    }),
  );
  expect(packages['node_modules/tool/node_modules/@tool/darwin-x64']).toMatchObject({
    version: '2.0.0',
  });
});

test('what production needs too is not marked as needed for development only', async () => {
  const wants = { version: '1.0.0', optionalDependencies: { 'a-darwin-x64': '1.0.0' } };
  const packages = await completed(
    lockfileOf({ 'node_modules/b': { ...wants, dev: true }, 'node_modules/c': wants }),
  );
  expect(packages['node_modules/a-darwin-x64']).not.toHaveProperty('dev');
});

test('--check lists what is missing or has an address, writes nothing and fails', async () => {
  await write(incomplete);
  const before = await readFile(file, 'utf8');
  const { status, stdout, stderr } = await runTool('complete-lockfile.mjs', ['--check', file]);
  expect(stdout).toContain('node_modules/tool: names the address it was fetched from\n');
  expect(stdout).toContain(
    'node_modules/@tool/darwin-arm64: missing, though node_modules/tool may need 1.0.0\n',
  );
  expect(stderr).toContain('run node tools/complete-lockfile.mjs');
  expect(status).toBe(1);
  expect(await readFile(file, 'utf8')).toBe(before);
});

test.each([
  ['an older lockfile', { lockfileVersion: 1 }, 'only lockfileVersion 3'],
  [
    'a package from git',
    lockfileOf({ 'node_modules/a': { version: '1.0.0', resolved: 'git+ssh://git@host/a.git' } }),
    'node_modules/a comes from git+ssh',
  ],
  [
    'a range without a least version',
    lockfileOf({ 'node_modules/a': { optionalDependencies: { b: '*' } } }),
    'no version can be chosen for b@*',
  ],
])('%s is refused', async (_what, lockfile, why) => {
  await write(lockfile);
  const { status, stderr } = await runTool('complete-lockfile.mjs', [file]);
  expect(stderr).toContain(why);
  expect(status).toBe(1);
});
