import type { MongoClient } from 'mongodb';
import { createAttemptUser, dropAttemptUsers } from '../../mongo/attempt-user';
import { connectMongo } from '../../mongo/connection';
import { foreignClients, refuseForeignClients } from '../../mongo/foreign-clients';
import { acquireLease, leaseHolder, releaseLease, renewLease } from '../../mongo/lease';
import { machineRoles, upsertMachineUsers } from '../../mongo/machine-users';
import { Secret } from '../../core/secret';
import { mongodVersions, startReplicaSet, type TestReplicaSet, until } from './replica-set';

const since = new Date('2026-01-02T03:04:05Z');

describe.each(mongodVersions)('mongod %s with the roles Juju gives', (version) => {
  let set: TestReplicaSet;
  let client: MongoClient;

  beforeAll(async () => {
    set = await startReplicaSet({ version, auth: true });
    client = await set.client();
  });
  afterAll(() => set.stop());

  test('sees an idle client of somebody else, and nobody when it has gone', async () => {
    await expect(foreignClients(client)).resolves.toEqual([]);
    const other = await connectMongo(set.target, { appName: 'somebody', direct: false });
    await expect(foreignClients(client)).resolves.toEqual([
      expect.objectContaining({ appName: 'somebody', user: 'machine-0@admin' }),
    ]);
    const refusal = refuseForeignClients(client);
    await expect(refusal).rejects.toMatchObject({ code: 'HF-SWAP-001' });
    await expect(refusal).rejects.toThrow(/somebody at 127\.0\.0\.1:\d+ as machine-0@admin/);
    await other.close();
    // mongod takes a moment to notice that a connection was closed.
    await until('the client is gone', async () => (await foreignClients(client)).length === 0);
    await expect(refuseForeignClients(client)).resolves.toBeUndefined();
  });

  test('gives the lease to one run at a time and keeps nothing of it', async () => {
    const mine = { runId: 'a', temporal: 'here:7233', since };
    await acquireLease(client, mine);
    await acquireLease(client, mine);
    await expect(leaseHolder(client)).resolves.toEqual(mine);
    const theirs = { runId: 'b', temporal: 'there:7233', since };
    await expect(acquireLease(client, theirs)).rejects.toMatchObject({
      code: 'HF-LOCK-003',
      params: { runId: 'a', server: 'here:7233', since: since.toISOString() },
    });
    await releaseLease(client, 'b');
    await renewLease(client, mine);
    await releaseLease(client, 'a');
    await releaseLease(client, 'a');
    await expect(leaseHolder(client)).resolves.toBeUndefined();
    const { databases } = await client.db('admin').admin().listDatabases({ nameOnly: true });
    expect(databases.map(({ name }) => name)).not.toContain('holdfast');
  });

  test('cuts off the attempt whose user is dropped at its next command', async () => {
    const first = await createAttemptUser(client, 'run', 1);
    expect(JSON.stringify(first)).not.toContain(first.password.reveal());
    const old = await connectMongo(
      { ...set.target, ...first },
      { appName: 'holdfast-1', direct: false },
    );
    await old.db('x').collection('y').insertOne({ written: true });
    const second = await createAttemptUser(client, 'run', 2);
    await expect(old.db('x').collection('y').insertOne({ written: false })).rejects.toThrow();
    await expect(createAttemptUser(client, 'run', 1)).rejects.toMatchObject({
      code: 'HF-FENCE-001',
    });
    const again = await createAttemptUser(client, 'run', 2);
    expect(again.password.reveal()).not.toBe(second.password.reveal());
    const other = await createAttemptUser(client, 'run-other', 1);
    await dropAttemptUsers(client, 'run');
    await dropAttemptUsers(client, 'run');
    await expect(client.db('x').collection('y').countDocuments()).resolves.toBe(1);
    const found = await client.db('admin').command({ usersInfo: 1 });
    expect(found['users']).toMatchObject([{ user: other.username }, { user: 'machine-0' }]);
    await dropAttemptUsers(client, 'run-other');
    await old.close();
  });

  test('makes the users of machines and sets their passwords anew', async () => {
    for (const password of ['first', 'second']) {
      await upsertMachineUsers(client, [{ username: 'machine-7', password: new Secret(password) }]);
      const target = { ...set.target, username: 'machine-7', password: new Secret(password) };
      const login = await connectMongo(target, { appName: 'holdfast-login', direct: false });
      await login.close();
    }
    const found = await client.db('admin').command({ usersInfo: 'machine-7' });
    const roles = machineRoles.map(
      (role) => expect.objectContaining({ role, db: 'admin' }) as unknown,
    );
    expect(found['users']).toMatchObject([{ roles: expect.arrayContaining(roles) as unknown }]);
  });
});
