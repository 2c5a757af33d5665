import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { bytesOf } from '../../storage/conformance-kit';
import { compiled } from '../examples/compiled';
import { S3Proxy, type Passing } from './s3-proxy';
import { S3Server, s3Access } from './s3-server';

const chunkBytes = 64 * 1024;
const size = 60 * 1024 * 1024;
const partBytes = 5 * 1024 * 1024;

let server: S3Server;
beforeAll(async () => {
  server = await S3Server.start();
});
afterAll(() => server.stop());

function chunkAt(at: number): Buffer {
  return Buffer.alloc(chunkBytes, (at / chunkBytes) % 251);
}

const stateSchema = z.object({
  acknowledged: z.number(),
  detail: z.record(z.string(), z.union([z.string(), z.number()])),
});
type State = z.output<typeof stateSchema>;

/** Runs the upload in a process of its own and kills it once it has reported `parts` parts. */
async function killedAfter(parts: number, bucket: string): Promise<State> {
  const options = JSON.stringify({ endpoint: server.endpoint, bucket, credentials: s3Access });
  const house = join(compiled('storage/s3-store.js'), '../..');
  const script = join(__dirname, 's3-upload-process.cjs');
  const child = spawn(process.execPath, [script, house, options], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  let last = '';
  for await (const line of createInterface({ input: child.stdout })) {
    last = line;
    const { acknowledged } = stateSchema.parse(JSON.parse(line));
    if (acknowledged >= parts * partBytes) child.kill('SIGKILL');
  }
  await ended;
  expect(child.signalCode).toBe('SIGKILL');
  return stateSchema.parse(JSON.parse(last));
}

async function heldParts(bucket: string, UploadId: string): Promise<number[]> {
  const Key = 'some/prefix/d/b/a';
  const { Parts = [] } = await server.client.listParts({ Bucket: bucket, Key, UploadId });
  return Parts.map(({ PartNumber = 0 }) => PartNumber);
}

describe('an upload to s3 whose process was killed with parts in flight', () => {
  it('goes on from what ListParts holds, and sends no part again that arrived', async () => {
    const bucket = await server.bucket();
    const state = await killedAfter(4, bucket);
    expect((await server.contents(bucket)).uploads).toEqual(['some/prefix/d/b/a']);
    // What the service acknowledged: those that were told of, and what was in flight and arrived whole.
    const held = await heldParts(bucket, String(state.detail['uploadId']));
    expect(held.length).toBeGreaterThanOrEqual(state.acknowledged / partBytes);
    const proxy = await S3Proxy.start(server.endpoint);
    const storage = server.open(bucket, { endpoint: proxy.endpoint });
    try {
      const handle = await storage.resumeBackup('d', 'b', 'run');
      const reads: number[] = [];
      const source = {
        size,
        async *read(start: number) {
          reads.push(start);
          for (let at = start; at < size; at += chunkBytes) yield chunkAt(at);
        },
      };
      const resume = { v: 1, type: 's3', ...state } as const;
      const stored = await handle.uploadFile('a', source, { attempt: 2, resume });
      expect(stored.size).toBe(size);
      expect(reads[0]).toBeGreaterThanOrEqual(state.acknowledged);
      const isPart = ({ method, url }: Passing) => method === 'PUT' && url.includes('partNumber=');
      const sent = proxy.seen
        .filter(isPart)
        .map(({ url }) => Number(/partNumber=(\d+)/.exec(url)?.[1]));
      expect(Math.min(...sent)).toBeGreaterThan(state.acknowledged / partBytes);
      const missing = Array.from({ length: size / partBytes }, (_, index) => index + 1).filter(
        (number) => !held.includes(number),
      );
      expect(sent.toSorted((one, other) => one - other)).toEqual(missing);
      const content = await bytesOf(await handle.readFile('a'));
      for (let at = 0; at < size; at += chunkBytes) {
        if (!content.subarray(at, at + chunkBytes).equals(chunkAt(at))) {
          throw new Error(`the chunk at ${at} differs`);
        }
      }
      expect((await server.contents(bucket)).uploads).toEqual([]);
    } finally {
      await storage.close();
      await proxy.stop();
    }
  });

  it('leaves nothing when its backup is aborted by another process', async () => {
    const bucket = await server.bucket();
    await killedAfter(2, bucket);
    await server.open(bucket).abortBackup('d', 'b', 'run');
    expect(await server.contents(bucket)).toEqual({ keys: [], uploads: [] });
  });

  it('is swept once nobody touched it', async () => {
    const bucket = await server.bucket();
    await killedAfter(2, bucket);
    const storage = server.open(bucket);
    expect(await storage.sweep('d', 1_000)).toEqual([]);
    expect((await server.contents(bucket)).uploads.length).toBe(1);
    expect(await storage.sweep('d', Date.now() + 3_600_000)).toEqual(['b']);
    expect(await server.contents(bucket)).toEqual({ keys: [], uploads: [] });
  });
});
