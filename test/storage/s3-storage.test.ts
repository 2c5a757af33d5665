import pLimit from 'p-limit';
import { manifestName, type UploadState } from '../../storage/contract';
import { bytesOf, codeOf, pattern, sourceOf } from '../../storage/conformance-kit';
import { S3Proxy, type Passing } from './s3-proxy';
import { S3Server, s3Access } from './s3-server';
import { refusal } from './refusal';

const mebibyte = 1024 ** 2;

let server: S3Server;
let proxy: S3Proxy;
beforeAll(async () => {
  server = await S3Server.start();
});
afterAll(() => server.stop());
beforeEach(async () => {
  proxy = await S3Proxy.start(server.endpoint);
});
afterEach(() => proxy.stop());

const isPart = ({ method, url }: Passing) => method === 'PUT' && url.includes('partNumber=');
const isComplete = ({ method, url }: Passing) => method === 'POST' && url.includes('uploadId=');
const isPutOf =
  (name: string) =>
  ({ method, url }: Passing): boolean =>
    method === 'PUT' && (url.split('?')[0] ?? '').endsWith(`/${name}`) && !url.includes('uploadId');
const isGetOf =
  (name: string) =>
  ({ method, url }: Passing): boolean =>
    method === 'GET' && (url.split('?')[0] ?? '').endsWith(`/${name}`);
const xml = (code: string) =>
  `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>as planned</Message></Error>`;

describe('an s3 storage', () => {
  it('aborts with parts in flight and leaves no upload and no object', async () => {
    const bucket = await server.bucket();
    const storage = server.open(bucket);
    const handle = await storage.startBackup('d', 'b', 'run');
    const writer = await handle.addFile('other');
    await writer.write(pattern(6 * mebibyte));
    const upload = codeOf(
      handle.uploadFile('a', sourceOf(pattern(40 * mebibyte)), {
        attempt: 1,
        onProgress: async ({ acknowledged }) => {
          if (acknowledged > 0) await server.open(bucket).abortBackup('d', 'b', 'run');
        },
      }),
    );
    expect(await upload).toBe('HF-STORAGE-001');
    expect(await codeOf(writer.close())).not.toBe('no error');
    expect(await server.contents(bucket)).toEqual({ keys: [], uploads: [] });
    await storage.close();
  });

  it('says that the backup is gone where its service fails the parts of an aborted upload', async () => {
    const bucket = await server.bucket();
    const storage = server.open(bucket, { endpoint: proxy.endpoint, attempts: 1 });
    const handle = await storage.startBackup('d', 'b', 'run');
    const upload = handle.uploadFile('a', sourceOf(pattern(12 * mebibyte)), {
      attempt: 1,
      onProgress: async () => {
        proxy.harm(isPart, { kind: 'answer', status: 500, body: xml('InternalError') }, 100);
        await server.open(bucket).abortBackup('d', 'b', 'run');
      },
    });
    const error = await refusal(upload);
    expect([error.code, error.cause]).toEqual([
      'HF-STORAGE-001',
      expect.objectContaining({ code: 'HF-STORAGE-006' }),
    ]);
    expect(proxy.struck).toBeGreaterThan(0);
    expect(await server.contents(bucket)).toEqual({ keys: [], uploads: [] });
    await storage.close();
  });

  it('completes a file once where the answer to CompleteMultipartUpload was lost', async () => {
    const bucket = await server.bucket();
    const storage = server.open(bucket, { endpoint: proxy.endpoint });
    const handle = await storage.startBackup('d', 'b', 'run');
    proxy.harm(isComplete, { kind: 'lose answer' });
    const content = pattern(12 * mebibyte);
    await handle.uploadFile('a', sourceOf(content), { attempt: 1 });
    expect(proxy.struck).toBe(1);
    expect((await bytesOf(await handle.readFile('a'))).equals(content)).toBe(true);
    expect((await server.contents(bucket)).uploads).toEqual([]);
    await storage.close();
  });

  it('does not take an error inside a 200 for success', async () => {
    const bucket = await server.bucket();
    const storage = server.open(bucket, { endpoint: proxy.endpoint });
    const handle = await storage.startBackup('d', 'b', 'run');
    proxy.harm(isComplete, { kind: 'answer', status: 200, body: xml('InternalError') }, 100);
    const states: UploadState[] = [];
    const content = pattern(12 * mebibyte);
    const options = {
      attempt: 1,
      onProgress: async (state: UploadState) => void states.push(state),
    };
    expect(await codeOf(handle.uploadFile('a', sourceOf(content), options))).toBe('HF-STORAGE-006');
    expect(await handle.listFiles()).toEqual([]);
    const direct = await server.open(bucket).resumeBackup('d', 'b', 'run');
    const reads: number[] = [];
    const resume = states.at(-1);
    if (resume === undefined) throw new Error('no state');
    await direct.uploadFile('a', sourceOf(content, reads), { attempt: 2, resume });
    expect(reads).toEqual([]);
    expect((await bytesOf(await direct.readFile('a'))).equals(content)).toBe(true);
    await storage.close();
  });

  it.each([
    ['a cut connection', { kind: 'cut' } as const],
    ['a lost answer', { kind: 'lose answer' } as const],
    ['SlowDown', { kind: 'answer', status: 503, body: xml('SlowDown') } as const],
    ['an internal error', { kind: 'answer', status: 500, body: xml('InternalError') } as const],
  ])('stores the same bytes in spite of %s, in parts, puts and commits', async (_what, fault) => {
    const bucket = await server.bucket();
    const storage = server.open(bucket, { endpoint: proxy.endpoint, conditionalWrites: 'yes' });
    proxy.harm(isPutOf('.owner'), fault);
    const handle = await storage.startBackup('d', 'b', 'run');
    const content = pattern(11 * mebibyte);
    proxy.harm(isPart, fault);
    await handle.uploadFile('a', sourceOf(content), { attempt: 1 });
    proxy.harm(isPutOf(manifestName), fault);
    expect(await handle.putFile(manifestName, Buffer.from('{}'), { ifAbsent: true })).toBe(
      'written',
    );
    expect(proxy.struck).toBe(3);
    expect((await bytesOf(await handle.readFile('a'))).equals(content)).toBe(true);
    await storage.close();
  });

  it('goes on reading at the byte where the connection was cut', async () => {
    const bucket = await server.bucket();
    const storage = server.open(bucket, { endpoint: proxy.endpoint });
    const handle = await storage.startBackup('d', 'b', 'run');
    const content = pattern(3 * mebibyte);
    await handle.putFile('a', content);
    proxy.harm(isGetOf('a'), { kind: 'cut body', bytes: 700_000 }, 2);
    expect((await bytesOf(await handle.readFile('a'))).equals(content)).toBe(true);
    const ranges = proxy.seen.filter(isGetOf('a')).map(({ headers }) => headers.range);
    expect(ranges.length).toBe(3);
    expect(ranges[0]).toBe(`bytes=0-${content.length - 1}`);
    proxy.harm(isGetOf('a'), { kind: 'cut body', bytes: 0 }, 100);
    const read = async () => bytesOf(await handle.readFile('a'));
    expect(await codeOf(read())).toBe('HF-STORAGE-006');
    await storage.close();
  });

  it('knows nobody by an owner record that is too long to be one, and does not read it all', async () => {
    const bucket = await server.bucket();
    const storage = server.open(bucket, { endpoint: proxy.endpoint });
    await storage.startBackup('d', 'b', 'run');
    const Body = Buffer.alloc(20 * mebibyte, ' ');
    Body.write('{"v":1,"owner":"run"}');
    await server.client.putObject({ Bucket: bucket, Key: 'some/prefix/d/b/.owner', Body });
    expect(await codeOf(storage.resumeBackup('d', 'b', 'run'))).toBe('HF-STORAGE-002');
    await storage.close();
  });

  it('says which bucket is missing, and whose credentials are refused', async () => {
    const missing = await refusal(server.open('no-such-bucket').listDirectories());
    expect([missing.code, missing.exit]).toEqual(['HF-STORAGE-014', 10]);
    expect(missing.message).toBe('storage one has no bucket no-such-bucket');
    const wrong = { ...s3Access, secretAccessKey: 'nothing' };
    const bucket = await server.bucket();
    const refused = server.open(bucket, { credentials: () => Promise.resolve(wrong) });
    const error = await refusal(refused.listDirectories());
    expect([error.code, error.exit, error.message]).toEqual([
      'HF-STORAGE-013',
      12,
      expect.stringMatching(/^storage one refuses access: SignatureDoesNotMatch: /),
    ]);
  });

  it('is tried again once its token has expired or its clock was wrong', async () => {
    const bucket = await server.bucket();
    const storage = server.open(bucket, { endpoint: proxy.endpoint });
    for (const code of ['ExpiredToken', 'RequestTimeTooSkewed']) {
      proxy.harm(() => true, { kind: 'answer', status: 403, body: xml(code) }, 4);
      const error = await refusal(storage.listDirectories().then(() => storage.scan('d')));
      expect([error.code, error.retryable]).toEqual(['HF-STORAGE-006', true]);
      while ((await codeOf(storage.listDirectories())) !== 'no error')
        expect(proxy.struck < 9).toBe(true);
      await storage.startBackup('d', code, 'run');
    }
    await storage.close();
  });

  it('tells an expired token from a missing permission where the answer to a HEAD cannot', async () => {
    const bucket = await server.bucket();
    const storage = server.open(bucket, { endpoint: proxy.endpoint, attempts: 1 });
    for (const [code, expected] of [
      ['ExpiredToken', 'HF-STORAGE-006'],
      ['AccessDenied', 'HF-STORAGE-013'],
    ] as const) {
      proxy.harm(
        ({ url }) => url.includes(manifestName),
        { kind: 'answer', status: 403, body: xml(code) },
        2,
      );
      const error = await refusal(storage.startBackup('d', code, 'run'));
      expect([error.code, error.message]).toEqual([expected, expect.stringContaining(code)]);
      expect(proxy.seen.filter(({ url }) => url.includes(manifestName)).at(0)?.method).toBe('HEAD');
      proxy.clear();
    }
    await storage.close();
  });

  it('locks a complete backup where retention is set, and says until when', async () => {
    const bucket = await server.bucket({ lock: true });
    const retention = { mode: 'GOVERNANCE', days: 3 } as const;
    const storage = server.open(bucket, { retention });
    const handle = await storage.startBackup('d', 'b', 'run');
    await handle.putFile('a', Buffer.from('x'));
    await handle.putFile(manifestName, Buffer.from('{}'), { ifAbsent: true });
    const refused = await refusal(storage.removeBackup('d', 'b'));
    expect([refused.code, refused.exit]).toEqual(['HF-STORAGE-012', 14]);
    expect((await handle.listFiles()).length).toBe(2);
    const later = server.open(bucket, { retention, now: () => Date.now() + 4 * 86_400_000 });
    expect(await codeOf(later.removeBackup('d', 'b'))).toBe('no error');
  });

  it('lists 1,200 backups, all of them, in two requests and two seconds of work', async () => {
    const bucket = await server.bucket();
    const limit = pLimit(16);
    const names = Array.from(
      { length: 1_200 },
      (_, index) => `b-${String(index).padStart(4, '0')}`,
    );
    const put = (name: string) =>
      limit(() =>
        server.client.putObject({
          Bucket: bucket,
          Key: `some/prefix/d/${name}/${manifestName}`,
          Body: Buffer.from('{}'),
        }),
      );
    await Promise.all(names.map(put));
    const storage = server.open(bucket, { endpoint: proxy.endpoint });
    await storage.listDirectories();
    proxy.clear();
    // Its own time: what the clock shows depends on what else this computer does.
    const before = process.cpuUsage();
    const scanned = await storage.scan('d');
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1e6).toBeLessThan(2);
    expect(proxy.seen.length).toBe(2);
    expect(scanned.map(({ name }) => name)).toEqual(names);
    expect(scanned.every(({ files }) => files.length === 1)).toBe(true);
    expect((await storage.listBackups('d')).length).toBe(1_200);
    await storage.close();
  });

  it.each(['no', 'auto'] as const)(
    'gives a name to one of two hosts where the service has no conditional puts (%s)',
    async (conditionalWrites) => {
      const bucket = await server.bucket();
      const isConditional = ({ headers }: Passing): boolean => 'if-none-match' in headers;
      proxy.harm(isConditional, { kind: 'answer', status: 501, body: xml('NotImplemented') }, 1e6);
      const options = { endpoint: proxy.endpoint, conditionalWrites };
      const [one, other] = [server.open(bucket, options), server.open(bucket, options)];
      for (let round = 0; round < 15; round += 1) {
        const codes = await Promise.all([
          codeOf(one.startBackup('d', `b-${round}`, 'run-1')),
          codeOf(other.startBackup('d', `b-${round}`, 'run-2')),
        ]);
        expect(codes.toSorted()).toEqual(['HF-STORAGE-002', 'no error']);
      }
      const { keys } = await server.contents(bucket);
      expect(keys.length).toBe(15);
      await Promise.all([one.close(), other.close()]);
    },
  );

  it('does without newer checksums and batch deletes where a service refuses them', async () => {
    const bucket = await server.bucket();
    const storage = server.open(bucket, { endpoint: proxy.endpoint, checksums: 'basic' });
    const handle = await storage.startBackup('d', 'b', 'run');
    const content = pattern(6 * mebibyte);
    await handle.uploadFile('a', sourceOf(content), { attempt: 1 });
    expect((await bytesOf(await handle.readFile('a'))).equals(content)).toBe(true);
    await storage.removeBackup('d', 'b');
    const headers = proxy.seen.flatMap((passing) => Object.keys(passing.headers));
    expect(headers.filter((name) => /^x-amz-(?:checksum|sdk-checksum)/.test(name))).toEqual([]);
    expect(proxy.seen.filter(({ url }) => url.endsWith('?delete='))).toEqual([]);
    expect(await server.contents(bucket)).toEqual({ keys: [], uploads: [] });
    await storage.close();
  });
});
