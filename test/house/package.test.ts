import { mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { extract } from 'tar';
import { z } from 'zod';
import { holdfastVersion } from '../../core/version';
import { repository, run, runWell } from './run';

const manifestSchema = z.object({
  version: z.string(),
  license: z.string(),
  bin: z.record(z.string(), z.string()),
  exports: z.record(z.string(), z.unknown()),
  dependencies: z.record(z.string(), z.string()),
  devDependencies: z.record(z.string(), z.string()),
});
const packedSchema = z.object({
  filename: z.string(),
  files: z.array(z.object({ path: z.string() })),
});
const lockSchema = z.object({
  packages: z.record(z.string(), z.looseObject({ version: z.string().optional() })),
});

async function readJson(name: string): Promise<unknown> {
  return JSON.parse(await readFile(join(repository, name), 'utf8'));
}

async function packageManifest() {
  return manifestSchema.parse(await readJson('package.json'));
}

/** The package as somebody who installed it has it: unpacked, its dependencies beside it. */
interface Installed {
  /** A project that depends on it. */
  readonly project: string;
  readonly directory: string;
  readonly files: readonly string[];
}

async function install(scratch: string): Promise<Installed> {
  await runWell(process.execPath, ['tools/build.mjs', '--if-missing'], repository);
  const said = await runWell(
    'npm',
    ['pack', '--ignore-scripts', '--json', '--loglevel=error', '--pack-destination', scratch],
    repository,
  );
  const answer: unknown = JSON.parse(said);
  // npm 12 answers with an object by package name, older ones with a list.
  const [packed] = z
    .array(packedSchema)
    .parse(
      Array.isArray(answer)
        ? answer
        : Object.values(z.record(z.string(), z.unknown()).parse(answer)),
    );
  if (packed === undefined) throw new Error('npm packed nothing');
  const project = join(scratch, 'project');
  const directory = join(project, 'node_modules', 'holdfast');
  await mkdir(directory, { recursive: true });
  await extract({ file: join(scratch, packed.filename), cwd: directory, strip: 1 });
  await symlink(join(repository, 'node_modules'), join(scratch, 'node_modules'));
  return { project, directory, files: packed.files.map(({ path }) => path).toSorted() };
}

describe('the package, packed and unpacked elsewhere,', () => {
  let scratch = '';
  let installed: Installed;

  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'holdfast-pack-'));
    installed = await install(scratch);
  });

  afterAll(async () => {
    await rm(scratch, { recursive: true, force: true });
  });

  async function holdfast(...args: string[]) {
    const { bin } = await packageManifest();
    return run(join(installed.directory, bin['holdfast'] ?? ''), args, installed.project);
  }

  test('tells its commands', async () => {
    const { status, stdout, stderr } = await holdfast('--help');
    expect(stderr).toBe('');
    expect(status).toBe(0);
    for (const command of ['create', 'list', 'info', 'verify', 'restore', 'up', 'worker']) {
      expect(stdout).toMatch(new RegExp(`^  ${command}\\b`, 'm'));
    }
  });

  test('tells its version', async () => {
    const { version } = await packageManifest();
    expect(await holdfast('--version')).toEqual({
      status: 0,
      stdout: expect.stringContaining(version),
      stderr: '',
    });
  });

  test('gives every export to a project that requires it', async () => {
    const modules = ['holdfast', 'holdfast/plugin', 'holdfast/workflows', 'holdfast/storage'];
    const script = `console.log(JSON.stringify([${modules
      .map((name) => `Object.keys(require('${name}')).sort()`)
      .join(', ')}]))`;
    const said = await runWell(process.execPath, ['-e', script], installed.project);
    const [client, plugin, workflows, storage] = z
      .array(z.array(z.string()))
      .parse(JSON.parse(said));
    expect(client).toEqual(
      expect.arrayContaining(['HoldfastClient', 'HoldfastError', 'loadConfig']),
    );
    expect(plugin).toEqual(expect.arrayContaining(['HoldfastPlugin']));
    expect(workflows).toEqual([
      'backup',
      'copy',
      'prune',
      'restore',
      'restoreCollections',
      'verify',
      'verifyAll',
    ]);
    expect(storage).toEqual(expect.arrayContaining(['openFileStorage', 'describeStorage']));
  });

  test('has types that a strict TypeScript project compiles against', async () => {
    const lines = [
      "import { HoldfastClient, type BackupReport } from 'holdfast';",
      "import { HoldfastPlugin } from 'holdfast/plugin';",
      "import { backup } from 'holdfast/workflows';",
      "import type { BackupStorage } from 'holdfast/storage';",
      'export const size = (report: BackupReport): number => report.archive.size;',
      'export const run: (input: Parameters<typeof backup>[0]) => Promise<BackupReport> = backup;',
      'export type Mine = [HoldfastClient, HoldfastPlugin, BackupStorage];',
      '// @ts-expect-error a report has no colour: types that resolve to any would have everything',
      'export const colour = (report: BackupReport) => report.colour;',
      '',
    ];
    await writeFile(join(installed.project, 'mine.ts'), lines.join('\n'));
    const tsc = join(repository, 'node_modules/typescript/bin/tsc');
    const options = ['--strict', '--noEmit', '--skipLibCheck', '--module', 'nodenext'];
    const types = ['--types', 'node', '--target', 'es2022', '--lib', 'es2023'];
    const args = [tsc, ...options, ...types, 'mine.ts'];
    expect(await run(process.execPath, args, installed.project)).toMatchObject({
      stdout: '',
      status: 0,
    });
  });

  test('holds what runs and what is read, neither sources nor tests nor examples', () => {
    const kinds = new Set(
      installed.files.map((file) => file.replace(/^.*?((\.d)?\.[^./]+|LICENSE)$/, '$1')),
    );
    expect(
      [...kinds].filter(
        (kind) => !['.js', '.d.ts', '.json', '.md', '.png', 'LICENSE'].includes(kind),
      ),
    ).toEqual([]);
    expect(
      installed.files.filter((file) => /(^|\/)(test|tools|bench|examples)\/|\.test\./.test(file)),
    ).toEqual([]);
    expect(installed.files).toEqual(
      expect.arrayContaining(['LICENSE', 'package.json', 'dist/workflow-bundle.js']),
    );
  });

  test('names no directory of the machine it was built on', async () => {
    const named: string[] = [];
    for (const file of installed.files) {
      const text = await readFile(join(installed.directory, file), 'utf8');
      if (text.includes(repository)) named.push(file);
    }
    expect(named).toEqual([]);
  });

  test('is found by its licence', async () => {
    expect((await packageManifest()).license).toBe('Apache-2.0');
    const text = await readFile(join(installed.directory, 'LICENSE'), 'utf8');
    expect(text).toContain('Apache License');
    expect(text).toContain('Version 2.0, January 2004');
  });

  test('has executable commands', async () => {
    for (const file of Object.values((await packageManifest()).bin)) {
      expect((await stat(join(installed.directory, file))).mode & 0o111).toBe(0o111);
    }
  });
});

describe('the versions', () => {
  test('of every dependency are exact', async () => {
    const { dependencies, devDependencies } = await packageManifest();
    const loose = Object.entries({ ...dependencies, ...devDependencies }).filter(
      ([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version),
    );
    expect(loose).toEqual([]);
  });

  test('of all Temporal packages are one, everywhere in the tree', async () => {
    const { dependencies, devDependencies } = await packageManifest();
    const pinned = Object.entries({ ...dependencies, ...devDependencies })
      .filter(([name]) => name.startsWith('@temporalio/'))
      .map(([, version]) => version);
    const { packages } = lockSchema.parse(await readJson('package-lock.json'));
    const locked = Object.entries(packages)
      .filter(([path]) => /(^|\/)node_modules\/@temporalio\/[^/]+$/.test(path))
      .map(([, entry]) => entry.version);
    expect(pinned.length).toBeGreaterThan(5);
    expect(new Set([...pinned, ...locked]).size).toBe(1);
  });

  test('of the code and of the package are one', async () => {
    expect(holdfastVersion).toBe((await packageManifest()).version);
  });

  test('of protobufjs: one 8, at the top, so that histories can be read', async () => {
    const { packages } = lockSchema.parse(await readJson('package-lock.json'));
    const eights = Object.entries(packages).filter(
      ([path, { version }]) =>
        path.endsWith('node_modules/protobufjs') && version?.startsWith('8.') === true,
    );
    expect(eights.map(([path]) => path)).toEqual(['node_modules/protobufjs']);
  });
});

describe('the lockfile', () => {
  test('names no host', async () => {
    const { packages } = lockSchema.parse(await readJson('package-lock.json'));
    const hosts = Object.entries(packages).flatMap(([path, entry]) =>
      /:\/\//.test(JSON.stringify({ ...entry, funding: '' })) || 'resolved' in entry ? [path] : [],
    );
    expect(hosts).toEqual([]);
  });

  test('is complete for every platform', async () => {
    const tool = ['tools/complete-lockfile.mjs', '--check'];
    expect(await run(process.execPath, tool, repository)).toMatchObject({ status: 0 });
  });
});
