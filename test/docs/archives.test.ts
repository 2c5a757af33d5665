import { execFile } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { archiveName } from '../archive/sample-archive';
import { codeBlocks } from './code-blocks';

const root = join(__dirname, '../..');
const fixture = join(root, 'test/fixtures', archiveName);

test('the example of the page runs as it stands, and prints what the page says', async () => {
  const page = await readFile(join(root, 'docs/archives.md'), 'utf8');
  const [program = '', printed = ''] = codeBlocks(page);
  const directory = await mkdtemp(join(tmpdir(), 'hf-docs-'));
  try {
    // Evaluated at the root, where the package finds itself by its name.
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--input-type=commonjs', '-e', program, 'example', fixture, directory],
      { cwd: root },
    );
    expect(stdout).toBe(printed);
    expect(await readdir(directory)).toEqual(['host']);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
