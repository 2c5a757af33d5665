import { Binary, BSON, Long } from 'mongodb';
import { Crc64 } from '../../mongo/crc64';
import { archiveMagic, readMongodumpArchive } from '../../mongo/mongodump-archive';
import { chunked } from './restore-steps';

const end = Buffer.from([0xff, 0xff, 0xff, 0xff]);
const bson = (value: object): Buffer => Buffer.from(BSON.serialize(value));

function crcOf(documents: readonly Buffer[]): Long {
  const crc = new Crc64();
  for (const document of documents) crc.update(document);
  return Long.fromBigInt(crc.digest());
}

const block = (collection: string, documents: readonly Buffer[]): Buffer =>
  Buffer.concat([bson({ db: 'juju', collection, EOF: false, CRC: Long.ZERO }), ...documents, end]);

const last = (collection: string, documents: readonly Buffer[]): Buffer =>
  Buffer.concat([bson({ db: 'juju', collection, EOF: true, CRC: crcOf(documents) }), end]);

const units = [1, 2, 3].map((_id) => bson({ _id, text: 'x'.repeat(_id * 40) }));
const models = [bson({ _id: 'm', big: new Binary(Buffer.alloc(30_000, 7)) })];

/** Two collections in a mixture, as several at a time are dumped. */
function sample(): Buffer {
  return Buffer.concat([
    archiveMagic,
    bson({ concurrent_collections: 4, version: '0.1', server_version: '6.0.5', tool_version: 'x' }),
    bson({ db: 'juju', collection: 'units', metadata: '{"indexes":[]}', size: 0 }),
    bson({ db: 'juju', collection: 'models', metadata: '{"indexes":[]}', size: 0 }),
    end,
    block('units', units.slice(0, 1)),
    block('models', models),
    last('models', models),
    block('units', units.slice(1)),
    last('units', units),
  ]);
}

async function read(bytes: Buffer, size?: number) {
  const documents = new Map<string, Buffer[]>();
  const ends: object[] = [];
  let prelude: object | undefined;
  for await (const part of readMongodumpArchive(chunked(bytes, 0, size))) {
    if (part.type === 'prelude') prelude = part.prelude;
    else if (part.type === 'end') ends.push(part);
    else {
      const held = documents.get(part.collection) ?? [];
      documents.set(part.collection, [...held, Buffer.from(part.bytes)]);
    }
  }
  return { prelude, documents, ends };
}

test('CRC-64 is the one of the catalogue of CRCs (CRC-64/XZ), however the bytes are cut', () => {
  const text = Buffer.from('123456789');
  const whole = new Crc64();
  whole.update(text);
  expect(BigInt.asUintN(64, whole.digest())).toBe(0x995dc9bbdf1939fan);
  const parts = new Crc64();
  for (const byte of text) parts.update(Buffer.from([byte]));
  expect(parts.digest()).toBe(whole.digest());
});

describe('an archive of mongodump', () => {
  test.each([1, 7, 4_096, undefined])('is read in chunks of %s bytes', async (size) => {
    const { prelude, documents, ends } = await read(sample(), size);
    expect(prelude).toMatchObject({
      serverVersion: '6.0.5',
      namespaces: [
        { database: 'juju', collection: 'units', metadata: '{"indexes":[]}' },
        { database: 'juju', collection: 'models' },
      ],
    });
    expect(Buffer.concat(documents.get('units') ?? [])).toEqual(Buffer.concat(units));
    expect(Buffer.concat(documents.get('models') ?? [])).toEqual(Buffer.concat(models));
    expect(ends).toMatchObject([
      { collection: 'models', documents: 1 },
      { collection: 'units', documents: 3, bytes: Buffer.concat(units).length },
    ]);
  });

  test('with a changed byte in a document is refused by its CRC, and named', async () => {
    const bytes = sample();
    const at = bytes.indexOf('xxxx');
    bytes[at] = 0x79;
    await expect(read(bytes)).rejects.toThrow('the documents of juju.units have another CRC');
  });

  test('cut anywhere is refused', async () => {
    const bytes = sample();
    for (let length = 0; length < bytes.length; length += 997) {
      await expect(read(bytes.subarray(0, length))).rejects.toThrow(/at byte \d+$/);
    }
    for (let cut = 1; cut < 100; cut++) {
      await expect(read(bytes.subarray(0, bytes.length - cut))).rejects.toThrow(/at byte \d+$/);
    }
  });

  test('with a document of an impossible length is refused where it stands', async () => {
    const bytes = sample();
    const at = bytes.indexOf(units[1] ?? '');
    bytes.writeInt32LE(17 * 1024 * 1024, at);
    await expect(read(bytes)).rejects.toThrow(`impossible document length 17825792 at byte ${at}`);
  });

  test('is no archive when it begins otherwise', async () => {
    await expect(read(Buffer.from('PK\u0003\u0004 and more'))).rejects.toThrow(
      'no archive of mongodump begins at byte 0',
    );
  });
});
