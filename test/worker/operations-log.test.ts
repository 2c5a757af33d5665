import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createOperationsLog } from '../../worker/logging';

it('the operations log is appended to a file that only its owner reads, a JSON line an event', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'hf-log-'));
  try {
    const file = join(directory, 'made/operations.log');
    const event = { event: 'failed', operation: 'holdfast/c', run: 'r', code: 'HF-DISK-001' };
    createOperationsLog(file).info(event, 'first');
    createOperationsLog(file).info(event, 'second');
    const lines = (await readFile(file, 'utf8')).trim().split('\n');
    expect(lines.map((line): unknown => JSON.parse(line))).toMatchObject([
      { ...event, msg: 'first' },
      { ...event, msg: 'second' },
    ]);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  } finally {
    await rm(directory, { recursive: true });
  }
});
