import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { MongoClient } from 'mongodb';
import { captureServer } from '../../mongo/capture';
import { compareServers, readCapture } from '../../mongo/compare';
import { fillAdversarial, insertRaw, oddName } from './adversarial-data';
import { document, element, int32 } from './raw-bson';
import { mongodVersions, startReplicaSet, type TestReplicaSet } from './replica-set';

describe.each(mongodVersions)('a capture of mongod %s', (version) => {
  let set: TestReplicaSet;
  let client: MongoClient;
  let directory: string;
  let file: string;

  beforeAll(async () => {
    set = await startReplicaSet({ version, auth: true });
    client = await set.client();
    await fillAdversarial(set, client, version);
    await client.db('juju').command({
      createRole: 'reader',
      privileges: [{ resource: { db: 'juju', collection: '' }, actions: ['find'] }],
      roles: [],
    });
    directory = await mkdtemp(join(tmpdir(), 'holdfast-capture-'));
    file = join(directory, 'before.json');
    await captureServer(client, file);
  });
  afterAll(async () => {
    await set.stop();
    await rm(directory, { recursive: true, force: true });
  });

  const differences = async (): Promise<{ namespace: string; what: string; detail: string }[]> =>
    compareServers(file, client);

  test('equals the server it was taken of, and a stream gets the same as a file', async () => {
    expect(await differences()).toEqual([]);
    const stream = new PassThrough();
    const [written] = await Promise.all([text(stream), captureServer(client, stream)]);
    expect(written).toBe(await readFile(file, 'utf8'));
    const capture = await readCapture(file);
    expect(capture.collections.map(({ namespace }) => namespace)).toContain(`juju.${oddName}`);
    expect(Object.keys(capture.users)).toEqual(['admin.machine-0']);
    expect(Object.keys(capture.roles)).toEqual(['juju.reader']);
  });

  test('holds no credentials and no userId, and nothing of Holdfast itself', async () => {
    await client.db('admin').command({ createUser: 'holdfast-run-1', pwd: 'x', roles: [] });
    await client.db('holdfast').collection('operations').insertOne({ x: 1 });
    await client.db('juju').collection('hf-stage.1').insertOne({ x: 1 });
    expect(await differences()).toEqual([]);
    expect(await readFile(file, 'utf8')).not.toMatch(/userId|storedKey|credentials/);
    await client.db('admin').command({ dropUser: 'holdfast-run-1' });
    await client.db('holdfast').dropDatabase();
    await client.db('juju').collection('hf-stage.1').drop();
  });

  test('tells a capped collection whose order was reversed', async () => {
    const log = client.db('logs').collection('log');
    const documents = await log.find({}).sort({ $natural: 1 }).toArray();
    await log.drop();
    await client.db('logs').createCollection('log', { capped: true, size: 65_536, max: 9 });
    for (const one of documents.toReversed()) await log.insertOne(one);
    expect(await differences()).toEqual([
      {
        namespace: 'logs.log',
        what: 'documents',
        detail: 'first differing chunk 0 (documents 0 to 999 in natural order)',
      },
    ]);
    await log.drop();
    await client.db('logs').createCollection('log', { capped: true, size: 65_536, max: 9 });
    for (const one of documents) await log.insertOne(one);
    expect(await differences()).toEqual([]);
  });

  test('tells an added unique index, a validator, a changed option and a lost collection', async () => {
    const db = client.db('models');
    await db.collection('many').createIndex({ x: 1, _id: 1 }, { unique: true, name: 'added' });
    await db.command({ collMod: 'many', validator: { x: { $exists: true } } });
    await client.db('juju').collection('empty').drop();
    const found = await differences();
    expect(found.map(({ namespace, what }) => `${namespace} ${what}`)).toEqual([
      'juju.empty presence',
      'models.many options',
      'models.many index',
    ]);
    expect(found[2]?.detail).toContain('added: ');
    expect(found[1]?.detail).toContain('validator: absent | {"x":{"$exists":true}}');
    await db.collection('many').dropIndex('added');
    await db.command({ collMod: 'many', validator: {}, validationLevel: 'off' });
    await client.db('juju').createCollection('empty');
  });

  test('tells one changed byte, and in which thousand documents it is', async () => {
    const many = client.db('models').collection<{ _id: number; x: string }>('many');
    const [row] = await many.find({ _id: 2_345 }).toArray();
    await many.updateOne({ _id: 2_345 }, { $set: { x: `z${row?.x.slice(1)}` } });
    const found = (await differences()).filter(({ what }) => what === 'documents');
    expect(found).toEqual([
      {
        namespace: 'models.many',
        what: 'documents',
        detail: 'first differing chunk 2 (documents 2000 to 2999 in _id order)',
      },
    ]);
    await many.updateOne({ _id: 2_345 }, { $set: { x: row?.x ?? '' } });
  });

  test('tells an Int32 from a Double of the same value, and a role that gained an action', async () => {
    await client.db('juju').collection<{ _id: number }>(oddName).deleteOne({ _id: 2 });
    const two = Buffer.alloc(8);
    two.writeDoubleLE(2);
    await insertRaw(set, 'juju', oddName, [document(element(1, '_id', two))]);
    await client.db('juju').command({
      grantPrivilegesToRole: 'reader',
      privileges: [{ resource: { db: 'juju', collection: 'x' }, actions: ['insert'] }],
    });
    const found = (await differences()).filter(({ namespace }) => namespace !== 'models.many');
    expect(found.map(({ namespace, what }) => `${namespace} ${what}`)).toEqual([
      `juju.${oddName} documents`,
      'juju.reader role',
    ]);
    await client.db('juju').collection<{ _id: number }>(oddName).deleteOne({ _id: 2 });
    await insertRaw(set, 'juju', oddName, [document(element(0x10, '_id', int32(2)))]);
  });
});
