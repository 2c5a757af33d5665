import type { Collection, Db, Document, IndexDescription, MongoClient } from 'mongodb';
import { Int32, Long, ObjectId } from 'mongodb';
import { charmWords } from './charm-words';
import type { ControllerIdentity } from './controller-files';
import { gridFile } from './grid-file';
import { jujuDocuments, type ExampleModel } from './juju-documents';
import { oddCollection } from './odd-documents';
import type { SeededRandom } from './seeded-random';

/** Juju's indexes of the collections the example has, as its own schema makes them. */
const jujuIndexes: Readonly<Record<string, readonly IndexDescription[]>> = {
  machines: [{ key: { 'model-uuid': 1, machineid: 1 } }],
  instanceData: [
    { key: { 'model-uuid': 1, machineid: 1 } },
    { key: { 'model-uuid': 1, instanceid: 1 } },
  ],
  applications: [{ key: { 'model-uuid': 1, name: 1 } }],
  units: [
    { key: { 'model-uuid': 1, application: 1 } },
    { key: { 'model-uuid': 1, machineid: 1 } },
    { key: { 'model-uuid': 1, name: 1 } },
  ],
  statuses: [{ key: { 'model-uuid': 1, _id: 1 } }],
  leaseholders: [{ key: { 'model-uuid': 1, namespace: 1 } }],
  migrations: [{ key: { 'model-uuid': 1, attempt: -1 } }],
  bakeryStorageItems: [{ key: { created: -1 } }, { key: { expires: 1 }, expireAfterSeconds: 1 }],
  cloudimagemetadata: [{ key: { 'expire-at': 1 }, sparse: true, expireAfterSeconds: 300 }],
  managedStoredResources: [{ key: { path: 1 }, unique: true }],
  statuseshistory: [
    { key: { 'model-uuid': 1, globalkey: 1, updated: 1 } },
    { key: { 'model-uuid': 1, updated: -1, _id: -1 } },
    { key: { updated: -1 } },
  ],
  txns: [{ key: { s: 1 } }],
};

const logIndexes: readonly IndexDescription[] = [
  { key: { t: 1, _id: 1 } },
  { key: { n: 1 } },
  { key: { c: 1 }, sparse: true },
];

/** Collects documents into inserts of about a megabyte; memory stays that small at any size. */
class Inserter {
  readonly #collection: Collection;
  #documents: Document[] = [];
  #bytes = 0;

  constructor(collection: Collection) {
    this.#collection = collection;
  }

  async add(document: Document, bytes: number): Promise<void> {
    this.#documents.push(document);
    this.#bytes += bytes;
    if (this.#bytes >= 1_000_000) await this.flush();
  }

  async flush(): Promise<void> {
    if (this.#documents.length === 0) return;
    await this.#collection.insertMany(this.#documents, {
      ordered: true,
      forceServerObjectId: true,
    });
    this.#documents = [];
    this.#bytes = 0;
  }
}

/**
 * Fills an empty database with a controller of about `sizeBytes` of documents: `juju`, `logs` and
 * `blobstore` as Juju has them, most of it status history.
 */
export async function fillDatabase(
  client: MongoClient,
  identity: ControllerIdentity,
  certificates: { readonly caCert: string; readonly caKey: string },
  options: { readonly sizeBytes: number; readonly now: Date; readonly random: SeededRandom },
): Promise<void> {
  const { sizeBytes, now, random } = options;
  const models = exampleModels(identity.modelUuid, random);
  const juju = client.db('juju');
  const { caCert, caKey } = certificates;
  const documents = jujuDocuments(identity, models, caCert, caKey, random, now);
  await juju.createCollection('txns.log', { capped: true, size: 10_000_128 });
  await juju.createCollection('externalControllers', {
    validator: { alias: { $type: 'string' } },
    validationLevel: 'strict',
    validationAction: 'error',
  });
  for (const [name, some] of Object.entries(documents)) {
    await juju.createCollection(name);
    if (some.length > 0)
      await juju.collection(name).insertMany([...some], { forceServerObjectId: true });
  }
  await juju.collection('externalControllers').insertOne({
    _id: new ObjectId(random.hex(24)),
    alias: 'other',
    addresses: ['10.9.8.7:17070'],
  });
  await juju.createCollection('aliveMachines', {
    viewOn: 'machines',
    pipeline: [{ $match: { life: 0 } }, { $project: { machineid: 1, 'model-uuid': 1 } }],
  });
  await createIndexes(juju, jujuIndexes);
  await juju.collection(oddCollection).createIndex({ uuid: 1 }, { unique: true });
  const share = (percent: number): number => Math.floor((sizeBytes * percent) / 100);
  await fillHistory(juju, models, share(55), random, now);
  await fillTransactions(juju, share(15), random);
  await fillLogs(client.db('logs'), models, share(18), random, now);
  await fillBlobs(client.db('blobstore'), juju, identity.modelUuid, share(12), random, now);
  // It changes nothing, but waits until everything written before it is majority committed.
  await juju
    .collection('restoreInfo')
    .deleteMany({ _id: new ObjectId() }, { writeConcern: { w: 'majority' } });
}

function exampleModels(modelUuid: string, random: SeededRandom): readonly ExampleModel[] {
  return [
    { uuid: modelUuid, name: 'controller', machines: 1, applications: [] },
    { uuid: random.uuid(), name: 'default', machines: 4, applications: ['mysql', 'wordpress'] },
    { uuid: random.uuid(), name: 'staging', machines: 3, applications: ['postgresql', 'haproxy'] },
  ];
}

async function createIndexes(
  db: Db,
  indexes: Readonly<Record<string, readonly IndexDescription[]>>,
): Promise<void> {
  for (const [name, list] of Object.entries(indexes)) {
    await db.collection(name).createIndexes([...list]);
  }
}

async function fillHistory(
  juju: Db,
  models: readonly ExampleModel[],
  bytes: number,
  random: SeededRandom,
  now: Date,
): Promise<void> {
  const inserter = new Inserter(juju.collection('statuseshistory'));
  const start = BigInt(now.getTime()) * 1_000_000n;
  for (let written = 0, step = 0; written < bytes; step += 1) {
    const model = models[step % models.length];
    const info = `${charmWords(random, 56)}${random.hex(20)}`;
    const application = random.pick(['mysql', 'wordpress', 'haproxy', 'postgresql']);
    await inserter.add(
      {
        _id: new ObjectId(random.hex(24)),
        'model-uuid': model?.uuid,
        globalkey: `u#${application}/${random.below(40)}#charm`,
        status: random.pick(['active', 'waiting', 'blocked', 'maintenance', 'idle']),
        statusinfo: info,
        statusdata: {},
        updated: Long.fromBigInt(start - BigInt(step) * 1_000_003n),
      },
      255,
    );
    written += 255;
  }
  await inserter.flush();
}

async function fillTransactions(juju: Db, bytes: number, random: SeededRandom): Promise<void> {
  const txns = new Inserter(juju.collection('txns'));
  const log = new Inserter(juju.collection('txns.log'));
  for (let written = 0, step = 0; written < bytes; step += 1) {
    const id = new ObjectId(random.hex(24));
    const model = random.uuid();
    const unit = `${model}:u#mysql/${step % 7}`;
    const agent = `${unit}#charm`;
    const operation = (c: string, d: string, revision: number, values: Document): Document => ({
      c,
      d,
      a: { 'txn-revno': new Int32(revision), 'model-uuid': model, life: new Int32(0) },
      u: { $set: values, $inc: { 'txn-revno': new Int32(1) } },
    });
    const status = { status: 'idle', statusinfo: '', statusdata: {}, neverset: false };
    const address = { value: `10.21.${step % 250}.${random.below(250)}`, origin: 'provider' };
    await txns.add(
      {
        _id: id,
        s: new Int32(6),
        o: [
          operation('statuses', unit, 11, status),
          operation('statuses', agent, 9, { ...status, statusinfo: charmWords(random, 40) }),
          operation('machines', `${model}:${step % 7}`, 5, { preferredprivateaddress: address }),
          operation('units', unit, 7, { 'txn-note': random.hex(32), passwordhash: random.hex(24) }),
        ],
        n: random.hex(8),
        r: [11, 9, 5, 7].map((revision) => new Int32(revision)),
      },
      1_200,
    );
    await log.add({ _id: id, statuses: { d: [unit], r: [Long.fromNumber(12)] } }, 120);
    written += 1_320;
  }
  await txns.flush();
  await log.flush();
}

async function fillLogs(
  logs: Db,
  models: readonly ExampleModel[],
  bytes: number,
  random: SeededRandom,
  now: Date,
): Promise<void> {
  const start = BigInt(now.getTime()) * 1_000_000n;
  for (const model of models) {
    const name = `logs.${model.uuid}`;
    // Room for all of them: a large example keeps its logs, too.
    const size = Math.max(20 * 1024 ** 2, Math.ceil(bytes / models.length) * 2);
    await logs.createCollection(name, { capped: true, size });
    await logs.collection(name).createIndexes([...logIndexes]);
    const inserter = new Inserter(logs.collection(name));
    for (let written = 0, step = 0; written < bytes / models.length; step += 1) {
      await inserter.add(
        {
          _id: new ObjectId(random.hex(24)),
          t: Long.fromBigInt(start + BigInt(step) * 1_000_000n),
          n: 'machine-0',
          r: '2.9.51',
          m: 'juju.worker.uniter',
          l: `resolver.go:${random.below(900)}`,
          v: new Int32(random.below(5)),
          x: `ran "update-status" ünïcode ${charmWords(random, 60)}${random.hex(20)}`,
          ...(step % 5 === 0 ? { c: ['http'] } : {}),
        },
        240,
      );
      written += 240;
    }
    await inserter.flush();
  }
}

async function fillBlobs(
  blobstore: Db,
  juju: Db,
  modelUuid: string,
  bytes: number,
  random: SeededRandom,
  now: Date,
): Promise<void> {
  const chunks = blobstore.collection('blobstore.chunks');
  await blobstore.createCollection('blobstore.chunks');
  await chunks.createIndex({ files_id: 1, n: 1 }, { unique: true });
  const files = new Inserter(blobstore.collection('blobstore.files'));
  const managed = new Inserter(juju.collection('managedStoredResources'));
  const fileSize = Math.max(300_000, Math.min(8_000_000, Math.floor(bytes / 4)));
  for (let written = 0, step = 0; written < bytes; step += 1) {
    const stored = gridFile(random, fileSize, now);
    await chunks.insertMany([...stored.chunks], { forceServerObjectId: true });
    await files.add(stored.file, 150);
    const path = `buckets/${modelUuid}/charms/ch:amd64/focal/example-${step}`;
    await managed.add(
      { _id: path, bucketuuid: modelUuid, user: '', path, resourceid: random.hex(96) },
      400,
    );
    written += fileSize;
  }
  await files.flush();
  await managed.flush();
}
