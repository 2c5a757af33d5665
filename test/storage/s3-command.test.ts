import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireBuild, runCommand } from '../client/built-command';
import { S3Server, s3Access } from './s3-server';

const modelUuid = '11111111-2222-4333-8444-555555555555';

let server: S3Server;
let directory: string;
beforeAll(async () => {
  requireBuild();
  server = await S3Server.start();
  directory = await mkdtemp(join(tmpdir(), 'holdfast-command-'));
});
afterAll(async () => {
  await server.stop();
  await rm(directory, { recursive: true });
});

async function configured(bucket: string): Promise<void> {
  const storage = {
    type: 's3',
    bucket,
    endpoint: server.endpoint,
    pathStyle: true,
    credentials: {
      accessKeyId: s3Access.accessKeyId,
      secretAccessKey: { env: 'TEST_S3_SECRET' },
    },
  };
  const config = { controller: { modelUuid, machine: 'machine-0' }, storage };
  await writeFile(join(directory, 'holdfast.yaml'), JSON.stringify(config));
}

const holdfast = (...args: string[]) => {
  const variables = { TEST_S3_SECRET: s3Access.secretAccessKey };
  return runCommand(args, { cwd: directory, variables });
};

describe('a command on an s3 storage', () => {
  it('says nothing on stderr but what it has to say itself', async () => {
    const bucket = await server.bucket();
    await configured(bucket);
    const storage = server.open(bucket, { prefix: '' });
    const id = `20260102-030405.${modelUuid}`;
    await storage.startBackup(modelUuid, id, 'run');
    await storage.close();
    const { status, stdout, stderr } = await holdfast('list', '--quiet');
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: `${id}\n`, stderr: '' });
  });
});
