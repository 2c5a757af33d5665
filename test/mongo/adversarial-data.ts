import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Decimal128, Double, Long, Timestamp, type MongoClient } from 'mongodb';
import { everyType } from './raw-bson';
import type { MongodVersion, TestReplicaSet } from './replica-set';
import { runTool } from './tools';

/** A legal collection name with everything a file name must escape. */
export const oddName = "odd & naïve.name (with) 'quotes' *~+%2F/\\ü";
/** Escaped it is longer than a file name may be. */
export const longName = `long-${'é'.repeat(60)}-end`;

/** Puts documents of raw BSON into a collection, as they are. */
export async function insertRaw(
  set: Pick<TestReplicaSet, 'toolArguments'>,
  database: string,
  collection: string,
  documents: readonly Buffer[],
): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-raw-'));
  try {
    const file = join(directory, 'raw.bson');
    await writeFile(file, Buffer.concat(documents));
    await runTool('mongorestore', [
      ...set.toolArguments(),
      `--db=${database}`,
      `--collection=${collection}`,
      '--quiet',
      file,
    ]);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Names at the length from which mongodump shortens the names of files, escaped: 238 characters. */
export const longestName = `_${'b'.repeat(237)}`;
const shortened = ['c'.repeat(239), `v${'é'.repeat(110)}`] as const;

/** Collections whose files' names are as long as they may be, and longer; on 6.0 time series, too. */
export async function fillLongNames(client: MongoClient, version: MongodVersion): Promise<void> {
  const db = client.db('long');
  await db.collection(longestName).insertOne({ fits: true });
  await db.createCollection(shortened[0], { capped: true, size: 4_096, max: 3 });
  await db.collection<{ _id: number }>(shortened[0]).insertOne({ _id: 1 });
  await db.createCollection(shortened[1], {
    viewOn: longestName,
    pipeline: [{ $match: { x: { $gt: new Double(0.1) } } }],
    collation: { locale: 'sv' },
  });
  if (version !== '6.0') return;
  for (const name of ['odd näme % of (weather)', 'w'.repeat(230)]) {
    await db.createCollection(name, { timeseries: { timeField: 'at' } });
    await db.collection(name).insertOne({ at: new Date(0), value: 1 });
  }
}

async function makeIndexes(client: MongoClient): Promise<void> {
  const indexed = client.db('juju').collection('indexed');
  await indexed.insertOne({ a: 1, place: [1, 2], words: 'some words' });
  await client.db('juju').command({
    createIndexes: 'indexed',
    indexes: [
      { name: 'ttl', key: { when: 1 }, expireAfterSeconds: 31_536_000 },
      { name: 'unique', key: { u: 1 }, unique: true, sparse: true },
      {
        name: 'partial',
        key: { p: new Double(1) },
        partialFilterExpression: {
          p: { $gt: new Double(1e21), $lt: Long.fromNumber(5), $exists: true },
        },
      },
      {
        name: 'numbers as names',
        key: new Map([
          ['10', 1],
          ['2', -1],
        ]),
      },
      { name: 'text', key: { words: 'text' }, weights: { words: 3 }, default_language: 'german' },
      { name: 'hashed', key: { h: 'hashed' } },
      { name: 'flat', key: { place: '2d' }, min: new Double(-180.5), max: 180, bits: 20 },
      { name: 'sphere', key: { point: '2dsphere' } },
      { name: 'wild', key: { '$**': 1 }, wildcardProjection: { secret: 0 } },
      { name: 'hidden', key: { x: 1 }, hidden: true },
      { name: 'collated', key: { c: 1 }, collation: { locale: 'de', strength: 2 } },
    ],
  });
}

/** Fills a server with everything a dump could get wrong. */
export async function fillAdversarial(
  set: Pick<TestReplicaSet, 'toolArguments'>,
  client: MongoClient,
  version: MongodVersion,
): Promise<void> {
  const juju = client.db('juju');
  await insertRaw(set, 'juju', 'types', everyType());
  await juju.collection<{ _id: number }>(oddName).insertMany([{ _id: 1 }, { _id: 2 }]);
  await juju.collection(longName).insertOne({ long: true });
  await juju.createCollection('empty');
  await juju.collection<{ _id: string; value: string }>('system.js').insertOne({
    _id: 'f',
    value: 'x',
  });
  const log = await client
    .db('logs')
    .createCollection<{ _id: number }>('log', { capped: true, size: 65_536, max: 9 });
  for (let at = 20; at > 0; at--) await log.insertOne({ _id: at });
  await juju.createCollection('view', {
    viewOn: 'types',
    pipeline: [{ $match: { '1': /a\/b/im } }],
  });
  await juju.createCollection('collated', { collation: { locale: 'fr', strength: 1 } });
  await juju.createCollection('validated', {
    validationLevel: 'moderate',
    validator: new Map<string, unknown>([
      ['10', { $exists: false }],
      ['2', { $ne: new Double(1234567.5) }],
      ['text', { $ne: 'control \u0001\b\f\n "quotes" \\ \u2028 <&> grüße' }],
      ['when', { $ne: new Date(-5) }],
      ['decimal', { $ne: Decimal128.fromString('-1.50E+10') }],
      ['double', { $nin: [new Double(0.00001), new Double(-0), 100000.5, new Double(1e6)] }],
      ['stamp', { $ne: new Timestamp({ t: 1, i: 2 }) }],
    ]),
  });
  await makeIndexes(client);
  await client
    .db('models')
    .collection<{ _id: number; x: string }>('many')
    .insertMany(Array.from({ length: 3_000 }, (_, at) => ({ _id: at, x: 'y'.repeat(at % 300) })));
  if (version === '6.0') {
    await juju.createCollection('clustered', {
      clusteredIndex: { key: { _id: 1 }, unique: true, name: 'by id' },
    });
    await juju
      .collection<{ _id: string }>('clustered')
      .insertMany(Array.from({ length: 500 }, (_, at) => ({ _id: `key-${at}` })));
    await juju.createCollection('weather', {
      timeseries: { timeField: 'at', metaField: 'station', granularity: 'hours' },
      expireAfterSeconds: 315_360_000,
    });
    await juju.collection('weather').insertMany(
      Array.from({ length: 200 }, (_, at) => ({
        at: new Date(Date.UTC(2026, 1, 1 + (at % 90))),
        station: at % 7,
        value: at / 3,
      })),
    );
    await juju.createCollection('imaged', { changeStreamPreAndPostImages: { enabled: true } });
  }
}
