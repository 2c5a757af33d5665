import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireBuild, runCommand } from '../client/built-command';
import { documentSchemas } from '../../client/json-schema';
import { S3Proxy, type Passing } from './s3-proxy';
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

async function configured(
  bucket: string,
  more: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const storage = {
    type: 's3',
    bucket,
    endpoint: server.endpoint,
    pathStyle: true,
    credentials: {
      accessKeyId: s3Access.accessKeyId,
      secretAccessKey: { env: 'TEST_S3_SECRET' },
    },
    ...more,
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

  it('is told by doctor whether the service lets one of two writers win', async () => {
    const bucket = await server.bucket();
    const proxy = await S3Proxy.start(server.endpoint);
    try {
      await configured(bucket);
      const sound = await holdfast('doctor', '--json');
      const { checks } = documentSchemas.doctor.parse(JSON.parse(sound.stdout));
      expect([sound.status, sound.stderr]).toEqual([0, '']);
      expect(checks.map(({ name, verdict }) => `${name} ${verdict}`)).toEqual(
        ['access', 'write', 'read', 'list', 'clock', 'first writer', 'removal'].map(
          (name) => `${name} pass`,
        ),
      );
      const isConditional = ({ headers }: Passing): boolean => 'if-none-match' in headers;
      const body = '<Error><Code>NotImplemented</Code></Error>';
      proxy.harm(isConditional, { kind: 'answer', status: 501, body }, 1e6);
      await configured(bucket, { endpoint: proxy.endpoint });
      const without = await holdfast('doctor');
      expect(without.status).toBe(3);
      expect(without.stdout).toMatch(
        /^first writer +warn +the service has no conditional writes \(If-None-Match\): marker objects decide/m,
      );
      expect(await server.contents(bucket)).toEqual({ keys: [], uploads: [] });
      await configured('no-such-bucket');
      const missing = await holdfast('doctor');
      expect(missing.status).toBe(14);
      expect(missing.stdout).toMatch(
        /^access +refuse +\[HF-STORAGE-014\] storage default has no bucket/m,
      );
      expect(missing.stderr).toMatch(/^hint: access: Make the bucket, or correct storage.bucket/);
    } finally {
      await proxy.stop();
    }
  });

  it('is told by doctor what its volume has free, and who may write there', async () => {
    const root = join(directory, 'attic');
    await mkdir(root, { mode: 0o700 });
    const storage = { type: 'file', path: root };
    const config = { controller: { modelUuid, machine: 'machine-0' }, storage };
    const file = join(directory, 'holdfast.yaml');
    await writeFile(file, JSON.stringify(config));
    const sound = await holdfast('doctor');
    expect(sound.stdout).toMatch(
      /^space +pass +[\d.]+ \w+ of [\d.]+ \w+ are free, [\d.]+ \w+ must stay so$/m,
    );
    expect([sound.status, sound.stderr]).toEqual([0, '']);
    const limits = { freeSpace: { bytes: '900TiB', percent: 0 } };
    await writeFile(file, JSON.stringify({ ...config, limits }));
    const full = await holdfast('doctor');
    expect([full.status, full.stdout]).toEqual([14, expect.stringMatching(/^space +refuse/m)]);
    expect(full.stderr).toMatch(/^hint: space: Free some space there/);
    await writeFile(file, JSON.stringify(config));
    await chmod(root, 0o777);
    const open = await holdfast('doctor');
    expect(open.status).toBe(14);
    expect(open.stdout).toMatch(
      /^access +refuse +\[HF-STORAGE-005\] .* lets group or others write$/m,
    );
    await chmod(root, 0o700);
    expect(await readdir(join(root, modelUuid))).toEqual([]);
  });
});
