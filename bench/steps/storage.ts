import { createReadStream, createWriteStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { createStorageRegistry } from '../../storage/registry';
import { begin, end } from './step-host';
import { transfer } from './storage-transfer';

const jobSchema = z.object({
  storage: z.looseObject({ name: z.string(), type: z.string() }),
  direction: z.enum(['write', 'read']),
  /** What is stored, or where what is read goes. */
  file: z.string(),
});

const chunkBytes = 1024 ** 2;

/**
 * One file through one storage, as the steps of a host move an archive: `storage.js JOB`, a file of
 * JSON. Prints `begin` and `end JSON` around what is to be measured.
 */
async function main(jobFile: string): Promise<void> {
  const job = jobSchema.parse(JSON.parse(await readFile(jobFile, 'utf8')));
  const { file } = job;
  const storage = createStorageRegistry().openStorage(job.storage);
  const { directory, name, file: archive } = transfer;
  // As in a worker that runs for long: driver and SDK are loaded, the service is connected.
  await storage.listDirectories();
  if (job.direction === 'write') {
    const { size } = await stat(file);
    const source = {
      size,
      read: (start: number): AsyncIterable<Buffer> =>
        createReadStream(file, { start, highWaterMark: chunkBytes }),
    };
    begin();
    const handle = await storage.startBackup(directory, name, 'bench');
    await handle.uploadFile(archive, source, { attempt: 1 });
    end({ bytes: size });
  } else {
    begin();
    const handle = await storage.openBackup(directory, name);
    await pipeline(await handle.readFile(archive), createWriteStream(file));
    end({ bytes: (await stat(file)).size });
  }
  await storage.close();
}

main(process.argv[2] ?? '').then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    process.exit(1);
  },
);
