import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { BSON } from 'bson';
import type { MongoClient } from 'mongodb';
import { bsonType, frames } from '../../mongo/bson-frames';
import { RawValue, rawField } from '../../mongo/raw-command';
import { rawArray } from '../../mongo/raw-document';
import { insertRaw } from '../../mongo/raw-insert';
import { readAll } from '../../mongo/raw-cursor';
import { document, element, everyType, int32 } from './raw-bson';
import { mongodVersions, startReplicaSet, type TestReplicaSet } from './replica-set';

const twice = document(
  element(bsonType.int32, '10', int32(1)),
  element(bsonType.int32, '2', int32(2)),
  element(bsonType.int32, '10', int32(3)),
);

test('raw values and document sequences stand on the internals of exactly these versions', async () => {
  for (const [name, version] of [
    ['mongodb', '7.8.0'],
    ['bson', '7.3.4'],
  ] as const) {
    const manifest = join(dirname(require.resolve(name)), '../package.json');
    const text = await readFile(manifest, 'utf8');
    expect(JSON.parse(text)).toMatchObject({ version });
  }
});

test('a raw value is serialised as its own bytes, wherever it stands', () => {
  const bytes = Buffer.from(
    BSON.serialize({
      before: 1,
      ...rawField('größe', bsonType.document, twice),
      nested: { ...rawField('list', bsonType.array, rawArray([twice])) },
      after: 'x',
    }),
  );
  const expected = document(
    element(bsonType.int32, 'before', int32(1)),
    element(bsonType.document, 'größe', twice),
    element(
      bsonType.document,
      'nested',
      document(element(bsonType.array, 'list', document(element(bsonType.document, '0', twice)))),
    ),
    element(bsonType.string, 'after', Buffer.concat([int32(2), Buffer.from('x\0')])),
  );
  expect(bytes.equals(expected)).toBe(true);
});

test('a raw value under another name is refused instead of damaging the command', () => {
  const value = new RawValue('a', bsonType.document, twice);
  expect(() => BSON.serialize({ other: value })).toThrow('serialised in another place');
});

describe.each(mongodVersions)('mongod %s', (version) => {
  let set: TestReplicaSet;
  let client: MongoClient;

  beforeAll(async () => {
    set = await startReplicaSet({ version, auth: true });
    client = await set.client();
  });
  afterAll(() => set.stop());

  test('stores every type as it was sent, by insert and by applyOps', async () => {
    const documents = everyType();
    const direct = { client, database: 'raw', collection: 'inserted', ordered: false };
    await expect(insertRaw(direct, Buffer.concat(documents))).resolves.toMatchObject({
      inserted: documents.length,
      duplicates: [],
      term: expect.stringMatching(/^[0-9a-f]{24}$/) as unknown,
    });
    await client.db('raw').createCollection('applied');
    const operations = documents.map((one) =>
      document(
        element(bsonType.string, 'op', Buffer.concat([int32(2), Buffer.from('i\0')])),
        element(bsonType.string, 'ns', Buffer.concat([int32(12), Buffer.from('raw.applied\0')])),
        element(bsonType.document, 'o', one),
      ),
    );
    await client.db('admin').command({
      ...rawField('applyOps', bsonType.array, rawArray(operations)),
      allowAtomic: false,
    });
    for (const collection of ['inserted', 'applied']) {
      const command = { find: collection };
      const stored = await readAll(client, { database: 'raw', collection, command });
      expect({ collection, equal: stored.equals(Buffer.concat(documents)) }).toEqual({
        collection,
        equal: true,
      });
      expect([...frames(stored)]).toHaveLength(documents.length);
    }
  });

  test('names the documents it has already and refuses others with HF-LOAD-002', async () => {
    const target = { client, database: 'raw', collection: 'again', ordered: false };
    const one = document(element(bsonType.int32, '_id', int32(1)));
    const two = document(element(bsonType.int32, '_id', int32(2)));
    const bad = document(element(bsonType.array, '_id', document()));
    await insertRaw(target, one);
    await expect(insertRaw(target, Buffer.concat([one, two, one]))).resolves.toMatchObject({
      inserted: 1,
      duplicates: [0, 2],
    });
    await expect(insertRaw(target, bad)).rejects.toMatchObject({ code: 'HF-LOAD-002' });
  });
});
