import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MongoClient } from 'mongodb';
import { z } from 'zod';
import { countFrames } from '../../mongo/bson-frames';
import { collectionSize } from '../../mongo/collections';
import { dumpServer } from '../../mongo/dump';
import type { DumpResult } from '../../mongo/dump-contract';
import { escapeCollectionName } from '../../mongo/namespaces';
import { fillAdversarial, fillLongNames, longestName, longName } from './adversarial-data';
import { preludeJson } from '../../mongo/metadata-json';
import { MemorySink } from './memory-sink';
import { mongodVersions, startReplicaSet, until, type TestReplicaSet } from './replica-set';
import { runTool } from './tools';

// A scan reads what a majority has; mongod 4.4 acknowledges before that unless it is asked.
const majority = { writeConcern: { w: 'majority' } } as const;

const preludeSchema = z.object({ ServerVersion: z.string(), ToolVersion: z.string() });

async function mongodumpFiles(set: TestReplicaSet): Promise<Map<string, Buffer>> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-dump-'));
  try {
    await runTool('mongodump', [...set.toolArguments(), `--out=${directory}`]);
    const files = new Map<string, Buffer>();
    for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      const name = path.slice(directory.length + 1);
      if (!entry.isFile() || name.startsWith('admin/')) continue;
      files.set(name, await readFile(path));
    }
    return files;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function dumpFiles(result: DumpResult, sink: MemorySink): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  for (const { metadataFile, metadataJson, data } of result.collections) {
    files.set(metadataFile, metadataJson);
    if (data !== undefined) files.set(data.file, sink.bytes(data.stream));
  }
  return files;
}

describe.each(mongodVersions)('a dump of mongod %s with the roles Juju gives', (version) => {
  let set: TestReplicaSet;
  let client: MongoClient;
  let pinned: MongoClient;

  beforeAll(async () => {
    set = await startReplicaSet({ version, auth: true });
    client = await set.client();
    pinned = await set.direct(0, 'holdfast-dump-test');
    await fillAdversarial(set, client, version);
    await fillLongNames(client, version);
  });
  afterAll(() => set.stop());

  test('is byte for byte what mongodump writes, files, names and metadata', async () => {
    const expected = await mongodumpFiles(set);
    const sink = new MemorySink();
    const result = await dumpServer(pinned, sink, { batchBytes: 64 * 1024 });
    const found = dumpFiles(result, sink);
    const real = preludeSchema.parse(JSON.parse(String(expected.get('prelude.json'))));
    found.set('prelude.json', preludeJson(result.version, real.ToolVersion));
    expect([...found.keys()].toSorted()).toEqual([...expected.keys()].toSorted());
    for (const [name, bytes] of expected) {
      if (name.endsWith('.json')) expect(found.get(name)?.toString()).toBe(bytes.toString());
      expect({ name, equal: found.get(name)?.equals(bytes) }).toEqual({ name, equal: true });
    }
    expect(escapeCollectionName(longName)).toHaveLength(238);
    expect(escapeCollectionName(longestName)).toBe(longestName);
    for (const { documents, data } of result.collections) {
      if (data !== undefined) expect(countFrames(sink.bytes(data.stream))).toBe(documents);
    }
    expect(result.restarts).toBe(0);
    expect(result.version).toMatch(version);
    expect(result.fcv).toBe(version);
    expect(countFrames(result.users)).toBe(1);
  });

  test('stopped in the middle goes on from what its sink holds, to the same bytes', async () => {
    const whole = new MemorySink();
    const expected = dumpFiles(await dumpServer(pinned, whole, { batchBytes: 4_096 }), whole);

    const sink = new MemorySink();
    const stop = new AbortController();
    sink.beforeWrite = (stream, held) => {
      if (stream === 'models.many' && held.documents > 1_000) stop.abort(new Error('enough'));
      return Promise.resolve();
    };
    const interrupted = dumpServer(pinned, sink, { batchBytes: 4_096, signal: stop.signal });
    await expect(interrupted).rejects.toThrow('enough');
    const held = sink.streams.get('models.many');
    expect(held?.done).toBe(false);
    const documents = held?.documents ?? 0;
    expect(documents).toBeGreaterThan(1_000);

    let rewritten = Number.POSITIVE_INFINITY;
    sink.beforeWrite = (stream, { documents: count }) => {
      if (stream === 'models.many') rewritten = Math.min(rewritten, count);
      return Promise.resolve();
    };
    const result = await dumpServer(pinned, sink, { batchBytes: 4_096, resume: sink.resume() });
    expect(rewritten).toBe(documents);
    expect(sink.resets).toEqual([]);
    expect(sink.binds).toBe(1);
    expect(JSON.parse(JSON.stringify(sink.binding))).toEqual(sink.binding);
    const found = dumpFiles(result, sink);
    for (const [name, bytes] of expected) {
      expect({ name, equal: found.get(name)?.equals(bytes) }).toEqual({ name, equal: true });
    }
  });

  test('goes on from an older place when the newest record it held is deleted', async () => {
    const db = client.db('shrinking');
    const rows = db.collection<{ _id: number; x: string }>('c');
    await rows.insertMany(
      Array.from({ length: 500 }, (_, at) => ({ _id: at, x: 'y'.repeat(100) })),
      majority,
    );
    const sink = new MemorySink();
    const stop = new AbortController();
    sink.beforeWrite = (stream, held) => {
      if (stream === 'shrinking.c' && held.documents > 200) stop.abort(new Error('enough'));
      return Promise.resolve();
    };
    const options = { batchBytes: 2_048, parallel: 1 };
    await expect(dumpServer(pinned, sink, { ...options, signal: stop.signal })).rejects.toThrow(
      'enough',
    );
    const before = sink.streams.get('shrinking.c')?.documents ?? 0;
    await rows.deleteOne(
      { _id: before - 1 },
      {
        writeConcern: { w: 'majority' },
      },
    );
    sink.beforeWrite = () => Promise.resolve();
    const result = await dumpServer(pinned, sink, { ...options, resume: sink.resume() });
    expect(sink.rewinds).toEqual(['shrinking.c']);
    expect(sink.resets).toEqual([]);
    const dumped = result.collections.find(({ database }) => database === 'shrinking');
    expect(dumped?.documents).toBe(499);
    await db.dropDatabase();
  });

  test('that fails ends only when nothing of it is being written any more', async () => {
    const sink = new MemorySink();
    let writing = 0;
    let most = 0;
    let failed = false;
    sink.beforeWrite = async (stream) => {
      if (stream === 'oplog') return;
      most = Math.max(most, ++writing);
      // Both must be under way when one fails; the other one then takes its time.
      await until('a second write', () => Promise.resolve(most === 2));
      const isFirst = !failed;
      failed = true;
      if (!isFirst) await new Promise((resolve) => setTimeout(resolve, 200));
      writing--;
      if (isFirst) throw new Error('no more room');
    };
    await expect(dumpServer(pinned, sink, {})).rejects.toThrow('no more room');
    expect(writing).toBe(0);
  });

  test('expects nothing of a collection that was dropped since it was listed', async () => {
    await expect(collectionSize(pinned, 'nowhere', 'gone')).resolves.toEqual({
      documents: 0,
      bytes: 0,
    });
  });

  test('starts again when a collection is renamed meanwhile, and then is right', async () => {
    const db = client.db('renamed');
    await db.collection('before').insertOne({ there: true }, majority);
    const sink = new MemorySink();
    let renamed = false;
    sink.beforeWrite = async (stream) => {
      if (stream !== 'renamed.before' || renamed) return;
      renamed = true;
      await db.collection('before').rename('after');
    };
    const result = await dumpServer(pinned, sink, {});
    expect(sink.resets).toEqual(['renameCollection (renamed.before to renamed.after)']);
    expect(result.restarts).toBe(1);
    const names = result.collections.filter(({ database }) => database === 'renamed');
    expect(names.map(({ name, documents }) => ({ name, documents }))).toEqual([
      { name: 'after', documents: 1 },
    ]);
    await db.dropDatabase();
  });

  test('gives up with HF-DUMP-001 when renaming does not end', async () => {
    const db = client.db('renamed');
    await db.collection('a').insertOne({ there: true }, majority);
    const sink = new MemorySink();
    let at = 0;
    sink.beforeWrite = async (stream) => {
      if (!stream.startsWith('renamed.')) return;
      at++;
      await db.collection(at % 2 === 1 ? 'a' : 'b').rename(at % 2 === 1 ? 'b' : 'a');
    };
    await expect(dumpServer(pinned, sink, {})).rejects.toMatchObject({ code: 'HF-DUMP-001' });
    expect(sink.resets).toHaveLength(3);
    await db.dropDatabase();
  });

  test('does not use the places of another node or of other data files', async () => {
    const sink = new MemorySink();
    await dumpServer(pinned, sink, {});
    const resume = sink.resume();
    const foreign = {
      ...resume,
      binding: { ...resume.binding, dataIdentity: 'ffffffff/ffffffff' },
    };
    const result = await dumpServer(pinned, sink, { resume: foreign });
    expect(sink.resets).toHaveLength(1);
    expect(sink.resets[0]).toContain('dataIdentity');
    expect(result.collections.length).toBeGreaterThan(5);
  });

  test('keeps a document of 16 MiB whole whatever the size of a batch', async () => {
    const filler = Buffer.alloc(16 * 1024 * 1024 - 40, 7);
    await client
      .db('big')
      .collection('b')
      .insertMany([{ filler }, { filler: 1 }], majority);
    const result = await dumpServer(pinned, new MemorySink(), { batchBytes: 100_000 });
    const big = result.collections.find(({ database }) => database === 'big');
    expect(big?.documents).toBe(2);
    expect(big?.bytes).toBeGreaterThan(16 * 1024 * 1024 - 100);
    await client.db('big').dropDatabase();
  });
});
