import { BSON, Binary, type Document, type MongoClient } from 'mongodb';
import { z } from 'zod';
import { countFrames } from '../../mongo/bson-frames';
import { currentUuid } from '../../mongo/collections';
import { scanCollection, type ScanBatch } from '../../mongo/collection-scan';
import { connectMongo } from '../../mongo/connection';
import { Secret } from '../../core/secret';
import { PipelinedCursor, type PipelinedRequest } from '../../mongo/pipelined-cursor';
import { readAll } from '../../mongo/raw-cursor';
import { WireConnections } from '../../mongo/wire-connections';
import { mongodVersions, startReplicaSet, until, type TestReplicaSet } from './replica-set';

const database = 'models';
const small = 200;
const large = 300 * 1024;
const many = 3_000;
const few = 40;
const batchBytes = 256 * 1024;
const appName = 'holdfast-scans';

const find = (collection: string): Document => ({
  find: collection,
  filter: {},
  hint: { $natural: 1 },
  readConcern: { level: 'majority' },
  $_requestResumeToken: true,
});

const sized = (bytes: number): Document => ({ filler: new Binary(Buffer.alloc(bytes - 36, 7)) });

interface Read {
  readonly bytes: Buffer;
  readonly batches: number;
  readonly inPlace: boolean;
}

/** Reads a collection as a scan does. */
async function piped(
  client: MongoClient,
  connections: WireConnections,
  collection: string,
  change: Partial<PipelinedRequest> = {},
): Promise<Read> {
  let memory = Buffer.alloc(0);
  const cursor = new PipelinedCursor(client, connections, {
    database,
    collection,
    command: find(collection),
    batchBytes,
    documentBytes: small,
    reserve: (bytes) => Promise.resolve((memory = Buffer.allocUnsafeSlow(bytes + 100))),
    ...change,
  });
  const parts: Buffer[] = [];
  let inPlace = true;
  try {
    for (let batch = await cursor.next(); batch !== undefined; batch = await cursor.next()) {
      inPlace &&= batch.bytes.buffer === memory.buffer && batch.bytes.byteOffset === 0;
      parts.push(Buffer.from(batch.bytes));
    }
  } finally {
    await cursor.close();
  }
  return { bytes: Buffer.concat(parts), batches: parts.length, inPlace };
}

/** The same through a cursor of the driver. */
function raw(client: MongoClient, collection: string): Promise<Buffer> {
  return readAll(client, { database, collection, command: find(collection) });
}

/** A scan of a collection as the dump makes it. */
async function* scan(
  client: MongoClient,
  connections: WireConnections,
  uuid?: string,
): AsyncGenerator<ScanBatch, void, void> {
  const collection = 'even';
  yield* scanCollection(
    { client, connections },
    {
      database,
      collection,
      uuid,
      after: undefined,
      batchBytes: 16 * 1024,
      documentBytes: small,
      reserve: (bytes) => Promise.resolve(Buffer.allocUnsafe(bytes)),
    },
  );
}

/** Numbers, in mongod, of the connections that scans hold. */
async function connectionsOf(client: MongoClient, name: string): Promise<number[]> {
  const operations = client
    .db('admin')
    .aggregate([
      { $currentOp: { allUsers: true, idleConnections: true } },
      { $match: { appName: name } },
    ]);
  const ids = (await operations.toArray()).map((operation) => Number(operation['connectionId']));
  return ids.toSorted((a, b) => a - b);
}

async function openCursors(client: MongoClient): Promise<number> {
  const status = await client.db('admin').command({ serverStatus: 1 });
  const schema = z.object({ cursor: z.object({ open: z.object({ total: z.coerce.number() }) }) });
  return schema.parse(status['metrics']).cursor.open.total;
}

describe.each(mongodVersions)('a cursor on a connection of its own, mongod %s', (version) => {
  let set: TestReplicaSet;
  let client: MongoClient;
  let pinned: MongoClient;

  beforeAll(async () => {
    set = await startReplicaSet({
      version,
      auth: true,
      members: 2,
      setParameter: { enableTestCommands: '1' },
    });
    client = await set.client();
    pinned = await set.direct(0, appName);
    const majority = { writeConcern: { w: 2 } } as const;
    const rows = client.db(database).collection('sizes');
    for (const [count, bytes] of [
      [many, small],
      [few, large],
      [many, small],
    ] as const) {
      const documents = Array.from({ length: count }, () => sized(bytes));
      await rows.insertMany(documents, majority);
    }
    const even = Array.from({ length: 2 * many }, () => sized(small));
    await client.db(database).collection('even').insertMany(even, majority);
  });
  afterAll(() => set.stop());

  async function scanning<T>(
    use: (connections: WireConnections) => Promise<T>,
    signal?: AbortSignal,
    on: MongoClient = pinned,
  ): Promise<T> {
    const connections = new WireConnections(on, signal);
    try {
      return await use(connections);
    } finally {
      connections.close();
    }
  }

  test('gives the bytes a cursor of the driver gives, in few batches, in memory it was given', async () => {
    const expected = await raw(pinned, 'sizes');
    expect(countFrames(expected)).toBe(2 * many + few);
    await scanning(async (connections) => {
      const read = await piped(pinned, connections, 'sizes');
      expect(read.bytes.equals(expected)).toBe(true);
      expect(read.inPlace).toBe(true);
      // Three of many, one that mongod caps, and some of one document until that is noticed.
      expect(read.batches).toBeLessThanOrEqual(15);
      const before = await connectionsOf(pinned, appName);
      const again = await piped(pinned, connections, 'sizes', { documentBytes: large });
      expect(again.bytes.equals(expected)).toBe(true);
      expect(again.batches).toBeLessThanOrEqual(20);
      expect(await connectionsOf(pinned, appName)).toEqual(before);
    });
  });

  test('reads a secondary', async () => {
    const secondary = await set.direct(1);
    // Its natural order is its own.
    let expected: Buffer = Buffer.alloc(0);
    await until('all documents on the secondary', async () => {
      expected = await raw(secondary, 'even');
      return countFrames(expected) === 2 * many;
    });
    const hello: Document = await secondary.db('admin').command({ hello: 1 });
    expect(hello['secondary']).toBe(true);
    const scanned = (on: WireConnections): Promise<Read> => piped(secondary, on, 'even');
    const read = await scanning(scanned, undefined, secondary);
    expect(read.bytes.equals(expected)).toBe(true);
  });

  test('that mongod ends is opened again at its place: nothing is doubled or lost', async () => {
    const expected = await raw(pinned, 'even');
    const uuid = await currentUuid(pinned, database, 'even');
    const parts: Buffer[] = [];
    const admin = client.db('admin');
    await scanning(async (connections) => {
      for await (const { bytes } of scan(pinned, connections, uuid)) {
        parts.push(Buffer.from(bytes));
        if (parts.length !== 2) continue;
        await until('the idle cursor', async () => {
          const [idle] = await admin
            .aggregate([
              { $currentOp: { allUsers: true, idleCursors: true } },
              { $match: { type: 'idleCursor', ns: `${database}.even` } },
              { $project: { id: '$cursor.cursorId' } },
            ])
            .toArray();
          if (idle === undefined) return false;
          const killed = await client
            .db(database)
            .command({ killCursors: 'even', cursors: [idle['id']] });
          return JSON.stringify(killed['cursorsNotFound']) === '[]';
        });
      }
    });
    expect(Buffer.concat(parts).equals(expected)).toBe(true);
  });

  test('is stopped by an abort while a reply is awaited, and leaves none open on the server', async () => {
    const before = await openCursors(client);
    const stop = new AbortController();
    await client.db('admin').command({
      configureFailPoint: 'failCommand',
      mode: { times: 1 },
      data: { failCommands: ['getMore'], blockConnection: true, blockTimeMS: 1_500, appName },
    });
    await scanning(async (connections) => {
      const batches = scan(pinned, connections);
      await batches.next();
      expect(await openCursors(client)).toBeGreaterThan(before);
      const waiting = batches.next();
      stop.abort(new Error('enough'));
      await expect(waiting).rejects.toThrow('enough');
    }, stop.signal);
    await until('the end of the cursor', async () => (await openCursors(client)) <= before);
  });

  test('whose password was changed meanwhile gives HF-MONGO-002', async () => {
    const admin = client.db('admin');
    const roles = [{ role: 'readAnyDatabase', db: 'admin' }];
    const writeConcern = { w: 'majority' } as const;
    await admin.command({ createUser: 'reader', pwd: 'before', roles, writeConcern });
    const target = { ...set.member(0), username: 'reader', password: new Secret('before') };
    const reader = await connectMongo(target, { appName: 'holdfast-test', direct: true });
    try {
      await admin.command({ updateUser: 'reader', pwd: 'after', writeConcern });
      await scanning(
        async (connections) => {
          const first = scan(reader, connections).next();
          await expect(first).rejects.toMatchObject({
            code: 'HF-MONGO-002',
            params: { user: 'reader' },
          });
        },
        undefined,
        reader,
      );
    } finally {
      await reader.close();
    }
  });

  test('is not waited for when its mongod answers nothing, and tells when that is killed', async () => {
    const target = { appName, direct: true, timeouts: { selectionMs: 500 } };
    const hasty = await connectMongo(set.member(0), target);
    const [pid = 0] = set.pids;
    // They would say goodbye to a mongod that is gone, for seconds.
    await Promise.all([client.close(), pinned.close()]);
    let frozen = false;
    try {
      const stop = new AbortController();
      await scanning(
        async (connections) => {
          const batches = scan(hasty, connections);
          await batches.next();
          process.kill(pid, 'SIGSTOP');
          frozen = true;
          stop.abort(new Error('enough'));
          await expect(batches.next()).rejects.toThrow('enough');
        },
        stop.signal,
        hasty,
      );
      process.kill(pid, 'SIGCONT');
      frozen = false;
      await scanning(
        async (connections) => {
          const batches = scan(hasty, connections);
          await batches.next();
          await set.kill('SIGKILL');
          const rest = (async () => {
            for await (const { bytes } of batches) expect(BSON.deserialize(bytes)).toBeDefined();
          })();
          const lost = { code: 'HF-MONGO-001', retryable: true };
          await expect(rest).rejects.toMatchObject(lost);
        },
        undefined,
        hasty,
      );
    } finally {
      if (frozen) process.kill(pid, 'SIGCONT');
      await hasty.close();
    }
  }, 14_000);
});
