import type { MongoClient } from 'mongodb';
import { HoldfastError } from '../core/errors';
import { readUsersAndRoles } from './admin-users';
import { atOnce, collectionSize, describeCollections } from './collections';
import {
  DumpVoidError,
  oplogStream,
  type BoundCollection,
  type DumpBinding,
  type DumpedCollection,
  type DumpOptions,
  type DumpResult,
  type DumpResume,
  type DumpSink,
} from './dump-contract';
import { dataCollection, streamName, type StreamTotals } from './dump-stream';
import { readStreams } from './dump-streams';
import { metadataJson } from './metadata-json';
import { dumpFileNames } from './namespaces';
import { readNodeIdentity, type NodeIdentity } from './node-identity';
import { findWindowStart } from './oplog-window';

export * from './dump-contract';

const mostRestarts = 3;
const nothing: StreamTotals = { documents: 0, bytes: 0 };

interface Attempt {
  readonly client: MongoClient;
  readonly sink: DumpSink;
  readonly options: DumpOptions;
  readonly resume: DumpResume | undefined;
  readonly restarts: number;
}

/**
 * Dumps a replica set's data from the pinned node into a sink: every collection raw, in parallel,
 * longest first, and the oplog tailed from before the first listing until after the last cursor,
 * so that collections and oplog together are the state at the window's end. Goes on from where an
 * earlier attempt's sink is when the node, its data files and its rollback id are still the same,
 * else resets the sink and starts again.
 *
 * @param client a direct connection to one member
 * @throws HoldfastError HF-DUMP-001 when renames and the like made it start again more than three
 * times, HF-DUMP-002 when the oplog rolled over, HF-MONGO-003 outside a replica set, HF-MONGO-001,
 * -004, -005, -006; what the sink throws; the signal's reason
 */
export async function dumpServer(
  client: MongoClient,
  sink: DumpSink,
  options: DumpOptions = {},
): Promise<DumpResult> {
  if (!client.options.directConnection) {
    throw new HoldfastError('HF-INTERNAL-001', { reason: 'a dump needs a direct connection' });
  }
  let { resume } = options;
  for (let restarts = 0; ; restarts++) {
    try {
      return await attemptDump({ client, sink, options, resume, restarts });
    } catch (error) {
      if (!(error instanceof DumpVoidError)) throw error;
      if (restarts === mostRestarts) {
        const params = { times: mostRestarts, reason: error.message };
        throw new HoldfastError('HF-DUMP-001', params, { cause: error });
      }
      await sink.reset(error.message);
      resume = undefined;
    }
  }
}

async function attemptDump(attempt: Attempt): Promise<DumpResult> {
  const { client, sink, options, resume, restarts } = attempt;
  const identity = await readNodeIdentity(client);
  let binding: DumpBinding;
  if (resume === undefined) {
    binding = await newBinding(client, identity);
    await sink.bind(binding);
  } else {
    // Collections that went meanwhile are no reason to start again: the window must explain them.
    rejectForeign(resume.binding, identity);
    binding = resume.binding;
  }
  const { totals, window } = await readStreams({ client, sink, options, resume, binding });
  rejectForeign(binding, await readNodeIdentity(client));
  const { users, roles } = await readUsersAndRoles(client);
  const { node, dataIdentity, rbid, version, fcv, replicaSet, replicaSetId } = binding;
  const oplog = totals.get(oplogStream) ?? nothing;
  return {
    node,
    dataIdentity,
    rbid,
    version,
    fcv,
    replicaSet,
    replicaSetId,
    users,
    roles,
    restarts,
    collections: binding.collections.map((collection) => dumped(collection, totals)),
    window: {
      start: binding.windowStart,
      end: window.end,
      entries: oplog.documents,
      bytes: oplog.bytes,
      firstEntrySha256: window.firstEntrySha256,
    },
  };
}

async function newBinding(client: MongoClient, identity: NodeIdentity): Promise<DumpBinding> {
  const windowStart = await findWindowStart(client, identity.node);
  const collections = await atOnce().map(
    await describeCollections(client),
    async (collection): Promise<BoundCollection> => {
      const { database, name, type, uuid, dataUuid } = collection;
      return {
        database,
        name,
        type,
        ...(uuid === undefined ? {} : { uuid }),
        ...(dataUuid === undefined ? {} : { dataUuid }),
        metadataJson: metadataJson(collection).toString(),
        size: type === 'view' ? nothing : await sizeOf(client, collection),
      };
    },
  );
  return { ...identity, windowStart, collections };
}

function sizeOf(
  client: MongoClient,
  collection: Pick<BoundCollection, 'database' | 'name' | 'type'>,
): Promise<StreamTotals> {
  return collectionSize(client, collection.database, dataCollection(collection));
}

/** A token of another node, another resync or after a rollback would lose documents silently. */
function rejectForeign(binding: DumpBinding, found: NodeIdentity): void {
  for (const key of ['node', 'dataIdentity', 'rbid', 'version', 'fcv', 'replicaSetId'] as const) {
    if (binding[key] !== found[key]) {
      throw new DumpVoidError(`${key} was ${binding[key]}, now it is ${found[key]}`);
    }
  }
}

function dumped(
  collection: BoundCollection,
  totals: ReadonlyMap<string, StreamTotals>,
): DumpedCollection {
  const { database, name, type, uuid } = collection;
  const files = dumpFileNames(database, name, type);
  const stream = streamName(collection);
  const { documents, bytes } = totals.get(stream) ?? nothing;
  return {
    database,
    name,
    type,
    documents,
    bytes,
    ...(uuid === undefined ? {} : { uuid }),
    metadataJson: Buffer.from(collection.metadataJson),
    metadataFile: files.metadata,
    ...(files.data === undefined ? {} : { data: { file: files.data, stream } }),
  };
}
