import { openFileStorage } from '../../storage/file-storage';
import type { UploadState } from '../../storage/contract';

/** A process to be killed: uploads without end, printing each state that is durable. */
async function main(root: string): Promise<void> {
  const storage = openFileStorage({ name: 'child', path: root, progressBytes: 1024 * 1024 });
  const handle = await storage.startBackup('controller', 'backup', 'run');
  const chunk = Buffer.alloc(64 * 1024);
  const source = {
    size: 1024 ** 3,
    async *read(start: number) {
      for (let at = start; ; at += chunk.length) {
        // Every chunk begins with its own offset, so that a chunk in a wrong place is seen.
        chunk.fill((at / chunk.length) % 251);
        chunk.writeDoubleBE(at, 0);
        yield chunk;
      }
    },
  };
  const onProgress = (state: UploadState): Promise<void> =>
    new Promise((resolve) => {
      process.stdout.write(`${JSON.stringify(state)}\n`, () => resolve());
    });
  await handle.uploadFile('archive', source, { attempt: 1, onProgress });
}

void main(process.argv[2] ?? '');
