import { createWriteStream } from 'node:fs';
import { open, readFile, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { S3 } from '@aws-sdk/client-s3';
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

/** The SDK with the checksums it sends by itself, parts of a file at once: what its own uploader does. */
async function write(client: S3, job: Job): Promise<number> {
  const { bucket: Bucket, key: Key, partBytes } = job;
  const { size } = await stat(job.file);
  const file = await open(job.file);
  const { UploadId } = await client.createMultipartUpload({ Bucket, Key });
  const count = Math.ceil(size / partBytes);
  const Parts: { PartNumber: number; ETag: string | undefined }[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) {
      const index = next;
      next += 1;
      const length = Math.min(partBytes, size - index * partBytes);
      const Body = Buffer.allocUnsafe(length);
      await file.read(Body, 0, length, index * partBytes);
      const PartNumber = index + 1;
      const sent = await client.uploadPart({ Bucket, Key, UploadId, PartNumber, Body });
      Parts[index] = { PartNumber, ETag: sent.ETag };
    }
  };
  await Promise.all(Array.from({ length: job.parallel }, lane));
  await client.completeMultipartUpload({ Bucket, Key, UploadId, MultipartUpload: { Parts } });
  await file.close();
  return size;
}

async function read(client: S3, { bucket: Bucket, key: Key, file }: Job): Promise<number> {
  const { Body } = await client.getObject({ Bucket, Key });
  if (!(Body instanceof Readable)) throw new Error('no body');
  await pipeline(Body, createWriteStream(file));
  return (await stat(file)).size;
}

/** The same file by the AWS SDK alone: `s3-plain.js JOB`, a file of JSON. */
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
