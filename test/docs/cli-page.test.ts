import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { commands } from '../../client/cli/commands';
import { requireBuild } from '../client/built-command';

const root = join(__dirname, '../..');
const run = (...args: string[]) =>
  spawnSync(process.execPath, [join(root, 'tools/cli-page.mjs'), ...args], { encoding: 'utf8' });

describe('docs/cli.md', () => {
  beforeAll(requireBuild);

  it('is what the command table says', () => {
    const { status, stderr } = run('--check');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  it('has a chapter for every command, with all its options', () => {
    const page = readFileSync(join(root, 'docs/cli.md'), 'utf8');
    const chapters = page.split(/^## /m).slice(2);
    expect(chapters.map((text) => text.split('\n')[0])).toEqual(commands.map(({ name }) => name));
    for (const [index, { options }] of commands.entries()) {
      for (const { name } of options) expect(chapters[index]).toContain(`\`--${name}`);
    }
  });

  it('is not made with an argument that the tool does not know', () => {
    expect(run('--chek').status).toBe(2);
  });
});
