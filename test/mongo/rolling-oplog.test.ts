import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Binary, BSON, Timestamp, type MongoClient } from 'mongodb';
import { captureServer } from '../../mongo/capture';
import { compareCaptures } from '../../mongo/compare';
import { dumpServer, oplogStream } from '../../mongo/dump';
import { countFrames, frames } from '../../mongo/bson-frames';
import { compareOpTimes, readEntryHead, type OpTime } from '../../mongo/oplog-window';
import { readAll } from '../../mongo/raw-cursor';
import { writeDumpDirectory } from './dump-directory';
import { MemorySink } from './memory-sink';
import { mongodVersions, startReplicaSet, until, type TestReplicaSet } from './replica-set';
import { runTool } from './tools';

interface Row {
  readonly _id: number;
  readonly filler: Binary;
}

const majority = { writeConcern: { w: 'majority' as const } };
/** Bytes of a document: a few dozen roll the oplog over. */
const filler = new Binary(Buffer.alloc(64 * 1024, 'x'));

describe.each(mongodVersions)('on mongod %s with an oplog of 1 MB', (version) => {
  let set: TestReplicaSet;
  let other: TestReplicaSet;
  let client: MongoClient;
  let written = 0;

  beforeAll(async () => {
    set = await startReplicaSet({ version, oplogSizeMB: 1, syncDelay: 1 });
    other = await startReplicaSet({ version });
    client = await set.client();
    await client
      .db('juju')
      .collection<{ _id: number; text: string }>('units')
      .insertMany(
        Array.from({ length: 2_000 }, (_, _id) => ({ _id, text: 'x'.repeat(100) })),
        majority,
      );
  });
  afterAll(async () => {
    await set.stop();
    await other.stop();
  });

  /** The oldest entry there is. */
  async function oldest(): Promise<OpTime> {
    const entries = await readAll(client, {
      database: 'local',
      collection: 'oplog.rs',
      command: { find: 'oplog.rs', limit: 1 },
    });
    const [first] = frames(entries);
    if (first === undefined) throw new Error('an empty oplog');
    return readEntryHead(first).opTime;
  }

  /** Writes until the oplog no longer holds what was at `from`; after each document `wait` is awaited. */
  async function rollOver(
    from: OpTime,
    wait: () => Promise<void> = () => Promise.resolve(),
  ): Promise<void> {
    const rows = client.db('juju').collection<Row>('rows');
    await until('the oplog rolls over', async () => {
      for (let times = 0; times < 8; times++) {
        await rows.insertOne({ _id: written++, filler }, majority);
        await rows.updateOne({ _id: written - 1 }, { $set: { changed: written } }, majority);
        await wait();
      }
      return compareOpTimes(await oldest(), from) > 0;
    });
  }

  function windowStart(sink: MemorySink): OpTime {
    if (sink.binding === undefined) throw new Error('the dump was not bound');
    return sink.binding.windowStart;
  }

  test('a dump that takes longer than the oplog reaches back is whole, and right', async () => {
    const sink = new MemorySink();
    const tailed = (): number => sink.streams.get(oplogStream)?.documents ?? 0;
    let held = false;
    sink.beforeWrite = async (stream, { documents }) => {
      if (stream !== 'juju.units' || documents < 500 || held) return;
      held = true;
      const first = written;
      await rollOver(windowStart(sink), () =>
        until('the tail', () => Promise.resolve(tailed() >= 2 * (written - first))),
      );
    };
    const result = await dumpServer(await set.direct(), sink, { batchBytes: 8 * 1024 });
    expect(held).toBe(true);
    expect(result.restarts).toBe(0);
    expect(compareOpTimes(await oldest(), result.window.start)).toBeGreaterThan(0);
    expect(sink.bytes(oplogStream).length).toBeGreaterThan(1024 * 1024);
    expect(countFrames(sink.bytes(oplogStream))).toBe(result.window.entries);

    const directory = await mkdtemp(join(tmpdir(), 'holdfast-rolled-'));
    try {
      await writeDumpDirectory(directory, result, sink);
      await runTool('mongorestore', [...other.toolArguments(), '--oplogReplay', directory]);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
    const restored = await captureServer(await other.client());
    expect(compareCaptures(await captureServer(client), restored)).toEqual([]);
  });

  test('a dump that goes on when its last entry is gone starts again, and is whole', async () => {
    const sink = new MemorySink();
    const stop = new AbortController();
    sink.beforeWrite = async (stream, { documents }) => {
      if (stream !== 'juju.units' || documents < 500) return;
      await until('the tail', () => Promise.resolve(sink.streams.has(oplogStream)));
      stop.abort(new Error('killed'));
    };
    const options = { batchBytes: 8 * 1024, signal: stop.signal };
    await expect(dumpServer(await set.direct(), sink, options)).rejects.toThrow('killed');
    const token = sink.streams.get(oplogStream)?.positions.at(-1)?.token ?? '';
    const ts: unknown = BSON.deserialize(Buffer.from(token, 'base64'))['ts'];
    if (!(ts instanceof Timestamp)) throw new Error('the tail held nothing');
    await rollOver({ ts: { t: ts.t, i: ts.i }, t: 0 });

    sink.beforeWrite = () => Promise.resolve();
    const result = await dumpServer(await set.direct(), sink, { resume: sink.resume() });
    expect(sink.resets).toEqual([
      expect.stringMatching(/^the oplog of .* no entry at .* any more/),
    ]);
    expect(result.restarts).toBe(1);
    const counts = new Map(result.collections.map(({ name, documents }) => [name, documents]));
    expect(counts.get('units')).toBe(2_000);
    expect(counts.get('rows')).toBe(written);
  });

  test('a tail that cannot keep up fails with HF-DUMP-002, and never leaves entries out', async () => {
    const sink = new MemorySink();
    let behind: Promise<void> | undefined;
    let batches = 0;
    sink.beforeWrite = async (stream, { documents }) => {
      if (stream === oplogStream && ++batches > 1) await (behind ??= rollOver(windowStart(sink)));
      if (stream !== 'juju.units' || documents < 500) return;
      await until('the tail falls behind', async () => {
        const rows = client.db('juju').collection<Row>('rows');
        await rows.insertOne({ _id: written++, filler }, majority);
        return behind !== undefined;
      });
      await behind;
    };
    const dump = dumpServer(await set.direct(), sink, { batchBytes: 8 * 1024 });
    await expect(dump).rejects.toMatchObject({ code: 'HF-DUMP-002' });
    expect(sink.resets).toEqual([]);
  });
});
