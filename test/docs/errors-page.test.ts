import { spawnSync } from 'node:child_process';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorTable } from '../../core/error-table';
import { runModule, temporaryDirectory, type Outcome } from '../tools/tool';

const root = join(__dirname, '../..');

/** The page that the generator makes of a table. */
function pageOf(table: unknown): Promise<Outcome> {
  const lines = `
    const { errorsPage } = await import(tools + 'errors-page.mjs');
    process.stdout.write(errorsPage(JSON.parse(args[0])));`;
  return runModule(lines, [JSON.stringify(table)]);
}

const entry = { exit: 1, retryable: false, message: 'x', hint: 'Y.' };

describe('docs/errors.md', () => {
  it('is what the error table says; `npm run build && node tools/errors-page.mjs` writes it', async () => {
    const { stdout, stderr } = await pageOf(errorTable);
    expect(stderr).toBe('');
    expect(await readFile(join(root, 'docs/errors.md'), 'utf8')).toBe(stdout);
  });

  it('has one row for each code', async () => {
    const page = await readFile(join(root, 'docs/errors.md'), 'utf8');
    const rows = [...page.matchAll(/^\| `(HF-[A-Z]+-\d{3})`/gm)].map(([, code]) => code);
    expect(rows).toHaveLength(new Set(rows).size);
    expect(new Set(rows)).toEqual(new Set(Object.keys(errorTable)));
  });

  it('shows nothing that Markdown takes for its own', async () => {
    const table = { 'HF-USAGE-001': { ...entry, message: 'a|b\nc', hint: 'Run `x <y>|z` <w>.' } };
    const { stdout } = await pageOf(table);
    const row = stdout.split('\n').find((line) => line.startsWith('| `HF-USAGE-001`'));
    expect(row).toBe('| `HF-USAGE-001` | 1    | no      | `a\\|b c` | Run `x <y>\\|z` \\<w>. |');
  });

  it.each([
    [
      'an area without a title',
      { 'HF-NEWAREA-001': entry },
      'HF-NEWAREA-001: give its area a title',
    ],
    [
      'an exit status without a meaning',
      { 'HF-USAGE-001': { ...entry, exit: 42 } },
      'exit status 42',
    ],
  ])('is not made of %s', async (_, table, message) => {
    const { status, stdout, stderr } = await pageOf(table);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toContain(message);
  });
});

describe('the generator', () => {
  let directory: string;
  const run = (...args: string[]): Outcome => {
    const script = join(directory, 'tools/errors-page.mjs');
    const options = { encoding: 'utf8', env: {} } as const;
    const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], options);
    return { status, stdout, stderr };
  };

  beforeEach(async () => {
    directory = await temporaryDirectory();
    for (const name of ['tools', 'docs', 'dist/core']) {
      await mkdir(join(directory, name), { recursive: true });
    }
    await cp(join(root, 'tools/errors-page.mjs'), join(directory, 'tools/errors-page.mjs'));
    const compiled = `exports.errorTable = ${JSON.stringify(errorTable)};`;
    await writeFile(join(directory, 'dist/core/error-table.js'), compiled);
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('says that the page is stale, or missing, and what to run; --check changes nothing', async () => {
    const page = join(directory, 'docs/errors.md');
    expect(run('--check')).toEqual({
      status: 1,
      stdout: '',
      stderr: 'docs/errors.md is stale: run `npm run build && node tools/errors-page.mjs`\n',
    });
    expect(run()).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(run('--check')).toEqual({ status: 0, stdout: '', stderr: '' });
    await writeFile(page, 'old');
    expect(run('--check').status).toBe(1);
    expect(await readFile(page, 'utf8')).toBe('old');
  });

  it('asks for a build where there is none', async () => {
    await rm(join(directory, 'dist'), { recursive: true });
    expect(run()).toEqual({
      status: 1,
      stdout: '',
      stderr: 'dist is missing: run `npm run build` first\n',
    });
  });

  it('refuses an argument it does not know', async () => {
    const { status, stderr } = run('--chek');
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: 'unknown: --chek\nusage: errors-page.mjs [--check]\n',
    });
  });
});
