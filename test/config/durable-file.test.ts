import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { readJsonFile } from '../../config/durable-file';

test('a damaged file is told by its name, never by what it holds: it may hold a password', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'hf-json-'));
  const path = join(directory, 'credentials.json');
  try {
    for (const content of ['{"password":canary-1}', 'canary-1', '{"a":1}canary-1']) {
      await writeFile(path, content);
      const error: unknown = await readJsonFile(path).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ message: `${path} is not JSON` });
      expect(inspect(error, { depth: 9 })).not.toContain('canary');
    }
    expect(await readJsonFile(join(directory, 'missing'))).toBeUndefined();
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
