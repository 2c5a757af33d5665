import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { S3 } from '@aws-sdk/client-s3';
import { openS3Storage } from '../../storage/s3-store';
import type { S3StorageOptions } from '../../storage/s3-options';
import type { BackupStorage } from '../../storage/contract';
import { binary, freePort } from '../mongo/mongod';
import { until } from '../examples/until';

export const s3Access = { accessKeyId: 'holdfast-test', secretAccessKey: 'only for tests' };

/** A real S3 server on this computer, all of it gone after `stop`. */
export class S3Server {
  #buckets = 0;
  readonly #atExit = (): void => void this.child.kill('SIGKILL');

  private constructor(
    readonly endpoint: string,
    readonly client: S3,
    private readonly child: ChildProcess,
    private readonly directory: string,
  ) {
    process.on('exit', this.#atExit);
  }

  static async start(): Promise<S3Server> {
    const directory = await mkdtemp(join(tmpdir(), 'holdfast-s3-'));
    for (const name of ['data', 'versions']) await mkdir(join(directory, name));
    const port = await freePort();
    const args = ['--port', `127.0.0.1:${port}`, '--quiet', 'posix'];
    const child = spawn(
      binary('HOLDFAST_VERSITYGW'),
      [...args, '--versioning-dir', join(directory, 'versions'), join(directory, 'data')],
      {
        stdio: 'ignore',
        env: {
          ...process.env,
          ROOT_ACCESS_KEY: s3Access.accessKeyId,
          ROOT_SECRET_KEY: s3Access.secretAccessKey,
        },
      },
    );
    const endpoint = `http://127.0.0.1:${port}`;
    const client = new S3({
      endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: s3Access,
      maxAttempts: 1,
    });
    await until('the S3 server', async () => {
      if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`);
      return client.listBuckets({}).then(
        () => true,
        () => undefined,
      );
    });
    return new S3Server(endpoint, client, child, directory);
  }

  /** A new bucket; with Object Lock where asked for. */
  async bucket(options: { readonly lock?: boolean } = {}): Promise<string> {
    this.#buckets += 1;
    const Bucket = `bucket-${this.#buckets}`;
    await this.client.createBucket({ Bucket, ObjectLockEnabledForBucket: options.lock === true });
    return Bucket;
  }

  open(bucket: string, options: Partial<S3StorageOptions> = {}): BackupStorage {
    return openS3Storage(this.options(bucket, options));
  }

  options(bucket: string, options: Partial<S3StorageOptions> = {}): S3StorageOptions {
    return {
      name: 'one',
      bucket,
      prefix: 'some/prefix',
      region: 'us-east-1',
      endpoint: this.endpoint,
      pathStyle: true,
      credentials: () => Promise.resolve(s3Access),
      partSize: 5 * 1024 * 1024,
      parallel: 3,
      attempts: 4,
      timeout: 30_000,
      checksums: 'sha256',
      conditionalWrites: 'auto',
      now: () => Date.now(),
      ...options,
    };
  }

  /** Keys of all objects, and of all open uploads, sorted. */
  async contents(bucket: string): Promise<{ keys: string[]; uploads: string[] }> {
    const listed = await this.client.listObjectsV2({ Bucket: bucket });
    const uploads = await this.client.listMultipartUploads({ Bucket: bucket });
    return {
      keys: (listed.Contents ?? []).map(({ Key = '' }) => Key).toSorted(),
      uploads: (uploads.Uploads ?? []).map(({ Key = '' }) => Key).toSorted(),
    };
  }

  async stop(): Promise<void> {
    this.client.destroy();
    process.off('exit', this.#atExit);
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const ended = once(this.child, 'exit');
      this.child.kill('SIGKILL');
      await ended;
    }
    await rm(this.directory, { recursive: true, force: true });
  }
}
