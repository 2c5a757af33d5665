import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MongoServerError } from 'mongodb';
import { HoldfastError } from '../../core/errors';
import { Secret } from '../../core/secret';
import { connectMongo } from '../../mongo/connection';
import { explained } from '../../mongo/errors';
import { readNodeIdentity } from '../../mongo/node-identity';
import { binary, freePort, Mongod } from './mongod';
import { mongodVersions, startReplicaSet, type TestReplicaSet } from './replica-set';

const options = { appName: 'holdfast-test', direct: false };

async function failure(promise: Promise<unknown>): Promise<HoldfastError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof HoldfastError) return error;
  throw new Error('no HoldfastError', { cause: error });
}

describe.each(mongodVersions)(
  'a connection to mongod %s with keyFile and requireTLS',
  (version) => {
    let set: TestReplicaSet;
    beforeAll(async () => {
      set = await startReplicaSet({ version, auth: true });
    });
    afterAll(() => set.stop());

    test('is made with the user, the password and the authority of agent.conf', async () => {
      const client = await set.client('holdfast-connection-test');
      const status = await client.db('admin').command({ connectionStatus: 1 });
      expect(status['authInfo']).toMatchObject({
        authenticatedUsers: [{ user: 'machine-0', db: 'admin' }],
      });
    });

    test('is also made with the authority as text, as agent.conf holds it', async () => {
      const ca = await readFile(set.target.tls?.caFile ?? '', 'utf8');
      const client = await connectMongo({ ...set.target, tls: { ca } }, options);
      await client.close();
    });

    test('says who was refused when the password is wrong, and never shows the password', async () => {
      const wrong = { ...set.target, password: new Secret('not-the-password') };
      const error = await failure(connectMongo(wrong, options));
      expect(error.code).toBe('HF-MONGO-002');
      expect(error.message).toContain('machine-0');
      expect(`${error.message} ${error.hint} ${JSON.stringify(error.params)}`).not.toContain(
        'not-the-password',
      );
    });

    test('fails with HF-MONGO-001 when the certificate comes from a foreign authority', async () => {
      const { tls: _tls, ...plain } = set.target;
      const error = await failure(
        connectMongo({ ...plain, tls: {} }, { ...options, timeouts: { selectionMs: 700 } }),
      );
      expect(error.code).toBe('HF-MONGO-001');
      expect(error.message).toMatch(/certificate/);
    });

    test('turns a command the roles do not allow into HF-MONGO-005 with its cause', async () => {
      const client = await set.client();
      const call = explained(client, 'find', 'local.replset.initialSyncId', () =>
        client.db('local').command({ find: 'replset.initialSyncId' }),
      );
      const error = await failure(call);
      expect(error.code).toBe('HF-MONGO-005');
      expect(error.message).toContain('machine-0');
      expect(error.cause).toBeInstanceOf(MongoServerError);
    });
  },
);

test('where nothing listens the connection fails in the time it was given with HF-MONGO-001', async () => {
  const port = await freePort();
  const started = performance.now();
  const error = await failure(
    connectMongo({ hosts: [`127.0.0.1:${port}`] }, { ...options, timeouts: { selectionMs: 700 } }),
  );
  expect(error.code).toBe('HF-MONGO-001');
  expect(error.message).toContain('ECONNREFUSED');
  expect(performance.now() - started).toBeLessThan(10_000);
});

test('a mongod outside any replica set is refused with HF-MONGO-003', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-alone-'));
  const port = await freePort();
  const mongod = new Mongod(binary('HOLDFAST_MONGOD'), [
    `--port=${port}`,
    `--dbpath=${directory}`,
    '--bind_ip=127.0.0.1',
    '--nounixsocket',
  ]);
  try {
    await mongod.start();
    const client = await connectMongo(
      { hosts: [`127.0.0.1:${port}`] },
      { appName: 'holdfast-test', direct: true },
    );
    const error = await failure(readNodeIdentity(client));
    await client.close();
    expect(error.code).toBe('HF-MONGO-003');
    expect(error.message).toContain(`127.0.0.1:${port}`);
  } finally {
    await mongod.stop();
    await rm(directory, { recursive: true, force: true });
  }
});

test('an aborted connection attempt ends at once with the reason of its signal', async () => {
  const port = await freePort();
  const controller = new AbortController();
  const attempt = connectMongo(
    { hosts: [`127.0.0.1:${port}`] },
    { ...options, signal: controller.signal },
  );
  const reason = new Error('enough');
  controller.abort(reason);
  await expect(attempt).rejects.toBe(reason);
});
