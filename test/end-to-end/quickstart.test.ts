import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Command lines of every process on this machine that name a path. */
async function commandsNaming(path: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (command.includes(path)) found.push(command.replaceAll('\0', ' '));
  }
  return found;
}

test('the quickstart shows its commands, proves the restore, and leaves nothing behind', async () => {
  const main = join(__dirname, '../../dist/examples/quickstart/main.js');
  const { stdout } = await run(process.execPath, [main, '--size', '2M']);
  for (const command of ['create "before the accident"', 'list', 'verify ', 'restore ']) {
    expect(stdout).toContain(`\n$ holdfast ${command}`);
  }
  expect(stdout).toMatch(/^documents +[\d,]+ +0 +[\d,]+$/m);
  expect(stdout).toContain('No difference:');
  expect(stdout).toMatch(/The controller was away for [\d.]+ m?s\./);
  expect(stdout).toMatch(/Web UI: http:\/\/127\.0\.0\.1:\d+/);
  const directory = /^Starting a controller .* in (.+)\/controller$/m.exec(stdout)?.[1] ?? '';
  expect(directory).not.toBe('');
  expect(existsSync(directory)).toBe(false);
  expect(await commandsNaming(directory)).toEqual([]);
});
