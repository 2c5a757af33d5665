import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeStorage } from '../../storage/conformance';
import { openFileStorage } from '../../storage/file-storage';

describeStorage('file', async () => {
  const path = await mkdtemp(join(tmpdir(), 'holdfast-storage-'));
  return {
    storage: openFileStorage({ name: 'one', path, progressBytes: 1024 * 1024 }),
    other: openFileStorage({ name: 'one', path, progressBytes: 1024 * 1024 }),
    dispose: () => rm(path, { recursive: true }),
  };
});
