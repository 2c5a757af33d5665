import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { S3 } from '@aws-sdk/client-s3';
import { delayUntil } from './delay-until';
import { freePort } from './free-port';

const access = { accessKeyId: 'holdfast-bench', secretAccessKey: 'only for the benchmark' };
export const benchBucket = 'holdfast-bench';

/** A real S3 server that keeps its buckets in a directory, with one bucket. */
export class BenchS3 {
  private constructor(
    readonly endpoint: string,
    readonly client: S3,
    private readonly child: ChildProcess,
  ) {}

  static async start(program: string, directory: string): Promise<BenchS3> {
    const data = join(directory, 'data');
    await mkdir(data, { recursive: true });
    const port = await freePort();
    const child = spawn(program, ['--port', `127.0.0.1:${port}`, '--quiet', 'posix', data], {
      stdio: 'ignore',
      env: {
        ...process.env,
        ROOT_ACCESS_KEY: access.accessKeyId,
        ROOT_SECRET_KEY: access.secretAccessKey,
      },
    });
    const endpoint = `http://127.0.0.1:${port}`;
    const region = 'us-east-1';
    const client = new S3({ endpoint, region, forcePathStyle: true, credentials: access });
    await delayUntil('the S3 server', () =>
      client.createBucket({ Bucket: benchBucket }).then(
        () => true,
        () => false,
      ),
    );
    return new BenchS3(endpoint, client, child);
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  get access(): typeof access {
    return access;
  }

  async stop(): Promise<void> {
    this.client.destroy();
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill('SIGKILL');
    await ended;
  }
}
