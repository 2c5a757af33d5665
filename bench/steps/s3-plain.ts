import { createReadStream, createWriteStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { S3 } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { z } from 'zod';
import { begin, end } from './step-host';

const jobSchema = z.object({
  endpoint: z.string(),
  bucket: z.string(),
  key: z.string(),
  credentials: z.object({ accessKeyId: z.string(), secretAccessKey: z.string() }),
  direction: z.enum(['write', 'read']),
  file: z.string(),
  partBytes: z.number(),
  parallel: z.number(),
});
type Job = z.output<typeof jobSchema>;

/** The SDK's own uploader, as its documentation shows it. */
async function write(client: S3, job: Job): Promise<number> {
  const { bucket: Bucket, key: Key, partBytes: partSize, parallel: queueSize } = job;
  const params = { Bucket, Key, Body: createReadStream(job.file) };
  await new Upload({ client, params, partSize, queueSize }).done();
  return (await stat(job.file)).size;
}

async function read(client: S3, { bucket: Bucket, key: Key, file }: Job): Promise<number> {
  const { Body } = await client.getObject({ Bucket, Key });
  if (!(Body instanceof Readable)) throw new Error('no body');
  await pipeline(Body, createWriteStream(file));
  return (await stat(file)).size;
}

/** The same file by the AWS SDK: `s3-plain.js JOB`, a file of JSON. */
async function main(jobFile: string): Promise<void> {
  const job = jobSchema.parse(JSON.parse(await readFile(jobFile, 'utf8')));
  const { endpoint, credentials } = job;
  const client = new S3({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials });
  begin();
  end({ bytes: await (job.direction === 'write' ? write(client, job) : read(client, job)) });
  client.destroy();
}

main(process.argv[2] ?? '').then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    process.exit(1);
  },
);
