import { Secret } from '../../core/secret';
import { codeOf, pattern, sourceOf } from '../../storage/conformance-kit';
import { manifestName } from '../../storage/contract';
import { refusal } from './refusal';
import { S3Proxy, type ProxyFault } from './s3-proxy';
import { S3Server } from './s3-server';

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

describe('an s3 storage with encryption', () => {
  it('sends encryption headers with what it writes, and a customer key with what it reads', async () => {
    const bucket = await server.bucket();
    const key = Buffer.alloc(32, 7).toString('base64');
    for (const [encryption, header, value] of [
      [{ type: 'AES256' } as const, 'x-amz-server-side-encryption', 'AES256'],
      [
        { type: 'aws:kms', keyId: 'key-1' } as const,
        'x-amz-server-side-encryption-aws-kms-key-id',
        'key-1',
      ],
      [
        { type: 'customer', key: () => Promise.resolve(new Secret(key)) } as const,
        'x-amz-server-side-encryption-customer-key',
        key,
      ],
    ] as const) {
      proxy.seen.length = 0;
      const storage = server.open(bucket, { endpoint: proxy.endpoint, encryption });
      const name = `b-${encryption.type.replace(':', '-')}`;
      await codeOf(storage.startBackup('d', name, 'run'));
      const put = proxy.seen.find(({ method }) => method === 'PUT');
      expect(put?.headers[header]).toBe(value);
      await storage.close();
    }
  });

  it('refuses a service that does not encrypt as it was asked to, and leaves nothing there', async () => {
    const bucket = await server.bucket();
    const key = Buffer.alloc(32, 7).toString('base64');
    const kms = 'x-amz-server-side-encryption-aws-kms-key-id';
    const how = 'x-amz-server-side-encryption';
    // What the service says of an object, and what the storage says of it.
    for (const [encryption, says, message] of [
      [{ type: 'AES256' } as const, {}, 'AES256 was asked for, nothing is there'],
      [{ type: 'AES256' } as const, { [how]: 'AES256' }, undefined],
      [
        { type: 'aws:kms', keyId: 'key-1' } as const,
        { [how]: 'AES256' },
        'aws:kms with key key-1 was asked for, AES256 is there',
      ],
      [
        { type: 'aws:kms', keyId: 'key-1' } as const,
        { [how]: 'aws:kms', [kms]: 'arn:aws:kms:eu-central-1:1:key/key-2' },
        'key key-1 was asked for, aws:kms with key arn:aws:kms:eu-central-1:1:key/key-2 is there',
      ],
      [
        { type: 'aws:kms', keyId: 'key-1' } as const,
        { [how]: 'aws:kms', [kms]: 'arn:aws:kms:eu-central-1:1:key/key-1' },
        undefined,
      ],
      [
        { type: 'customer', key: () => Promise.resolve(new Secret(key)) } as const,
        {},
        'a customer key was asked for, nothing is there',
      ],
    ] as const) {
      const told: ProxyFault = { kind: 'headers', headers: { ...says } };
      proxy.clear();
      const storage = server.open(bucket, { endpoint: proxy.endpoint, encryption });
      proxy.harm(({ method }) => method === 'HEAD', told, 1_000);
      const started = storage.startBackup('d', 'b', 'run');
      if (message === undefined) {
        const handle = await started;
        // It begins to ignore what it is asked for.
        proxy.clear();
        const lost = handle.uploadFile('a', sourceOf(pattern(6 * mebibyte)), { attempt: 1 });
        expect((await refusal(lost)).code).toBe('HF-STORAGE-016');
        const commit = handle.putFile(manifestName, Buffer.from('{}'), { ifAbsent: true });
        expect((await refusal(commit)).code).toBe('HF-STORAGE-016');
        await server.open(bucket).removeBackup('d', 'b');
      } else {
        const error = await refusal(started);
        expect([error.code, error.exit]).toEqual(['HF-STORAGE-016', 14]);
        expect(error.message).toContain(message);
        await storage.abortBackup('d', 'b', 'run');
      }
      expect(await server.contents(bucket)).toEqual({ keys: [], uploads: [] });
      await storage.close();
    }
  });
});
