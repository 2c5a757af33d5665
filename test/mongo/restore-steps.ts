import type { MongoClient } from 'mongodb';
import { sameNames, type NamespaceMap } from '../../core/namespace-selection';
import type { OplogMoment } from '../../core/oplog-limit';
import { createAttemptUser } from '../../mongo/attempt-user';
import { buildIndexes } from '../../mongo/build-indexes';
import { connectMongo } from '../../mongo/connection';
import { dumpServer, oplogStream } from '../../mongo/dump';
import { loadCollection, type LoadCounts } from '../../mongo/load-collection';
import { replayOplog } from '../../mongo/oplog-replay';
import { timestampOf, type OpTime } from '../../mongo/oplog-window';
import { readAll } from '../../mongo/raw-cursor';
import { listServer } from '../../mongo/server-listing';
import { makeStagePlan, type DumpedCollection, type StagePlan } from '../../mongo/stage-plan';
import { proveStage } from '../../mongo/stage-proof';
import { windowTouch } from '../../mongo/window-touch';
import { MemorySink } from './memory-sink';
import type { TestReplicaSet } from './replica-set';

/** A dump in memory. */
export interface Dump {
  readonly collections: readonly DumpedCollection[];
  readonly data: ReadonlyMap<string, Buffer>;
  readonly oplog: Buffer;
  /** Where the window begins. */
  readonly start: OpTime;
}

/** Takes a dump; `during` runs while it is taken, before the first bytes are written. */
export async function takeDump(
  set: TestReplicaSet,
  during: (stream: string) => Promise<void> = () => Promise.resolve(),
): Promise<Dump> {
  const sink = new MemorySink();
  sink.beforeWrite = (stream) => during(stream);
  const client = await set.direct(0, 'holdfast-dump-test');
  // Small batches: enough of them to be told of while the data changes.
  const result = await dumpServer(client, sink, { parallel: 4, batchBytes: 4 * 1024 });
  const data = new Map<string, Buffer>();
  const collections = result.collections.map((one): DumpedCollection => {
    const bytes = one.data === undefined ? Buffer.alloc(0) : sink.bytes(one.data.stream);
    data.set(`${one.database}.${one.name}`, bytes);
    return {
      database: one.database,
      name: one.name,
      metadata: one.metadataJson.toString(),
      documents: one.documents,
      bytes: bytes.length,
    };
  });
  return { collections, data, oplog: sink.bytes(oplogStream), start: result.window.start };
}

/** The oplog from a place to its end, as oplog.bson would hold it. */
export async function oplogSince(client: MongoClient, start: OpTime): Promise<Buffer> {
  return readAll(client, {
    database: 'local',
    collection: 'oplog.rs',
    command: { find: 'oplog.rs', filter: { ts: { $gte: timestampOf(start) } } },
  });
}

/** Bytes in chunks of odd sizes, as a decompressor would give them. */
export async function* chunked(bytes: Buffer, from = 0, size = 70_001): AsyncGenerator<Buffer> {
  for (let at = from; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

export interface StageOptions {
  readonly runId: string;
  readonly epoch?: number;
  readonly signal?: AbortSignal;
  readonly inFlight?: number;
  readonly plan?: StagePlan;
  /** Sees each chunk of a collection before it is handed out. */
  readonly onRead?: (namespace: string, at: number) => void | Promise<void>;
  readonly onReplay?: (entries: number) => void;
  /** Which namespaces of the oplog are replayed, and under which names the dump has them. */
  readonly names?: NamespaceMap;
  /** Where the replay ends, exclusive. */
  readonly until?: OplogMoment | undefined;
  readonly onResult?: (result: { readonly entries: number }) => void;
}

/** A client as the user of an attempt; the caller closes it. */
export async function attemptClient(
  set: TestReplicaSet,
  runId: string,
  epoch: number,
): Promise<MongoClient> {
  const user = await createAttemptUser(await set.client(), runId, epoch);
  return connectMongo({ ...set.target, ...user }, { appName: 'holdfast-load', direct: false });
}

/** Loads, replays, builds and proves a dump beside the live data, as one attempt of a restore does. */
export async function stageDump(
  set: TestReplicaSet,
  dump: Dump,
  options: StageOptions,
): Promise<StagePlan> {
  const { runId, onRead } = options;
  const signal = options.signal ?? new AbortController().signal;
  const client = await attemptClient(set, runId, options.epoch ?? 1);
  try {
    const first = options.plan ?? makeStagePlan(dump.collections, await listServer(client));
    const readOplog = (): AsyncGenerator<Buffer> => chunked(dump.oplog);
    const loaded: Record<string, LoadCounts> = {};
    for (const collection of first.collections) {
      const namespace = `${collection.database}.${collection.name}`;
      const bytes = dump.data.get(namespace) ?? Buffer.alloc(0);
      loaded[collection.n] = await loadCollection({
        client,
        runId,
        collection,
        read: async function* (from) {
          let at = from;
          for await (const chunk of chunked(bytes, from)) {
            await onRead?.(namespace, at);
            at += chunk.length;
            yield chunk;
          }
        },
        isTouchedInWindow: windowTouch(readOplog, signal, options.names),
        now: () => performance.now(),
        signal,
        inFlight: options.inFlight ?? 4,
      });
    }
    const { onReplay } = options;
    const { names = sameNames, until } = options;
    const result = await replayOplog({
      client,
      runId,
      plan: first,
      read: readOplog,
      signal,
      names,
      ...(until === undefined ? {} : { until }),
      onProgress: ({ entries }) => onReplay?.(entries),
    });
    const { plan, changes } = result;
    options.onResult?.(result);
    await buildIndexes({ client, plan, signal });
    await proveStage({ client, plan, loaded, changes, signal });
    return plan;
  } finally {
    await client.close();
  }
}
