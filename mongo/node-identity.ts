import { ObjectId, type Document, type MongoClient } from 'mongodb';
import { HoldfastError } from '../core/errors';
import { connectionContext, explained, unreadableReply } from './errors';
import { readAll } from './raw-cursor';
import { findElement, frames, rawElements, stringValue } from './bson-frames';

/** Which data files a node serves, and in which state of its history. */
export interface NodeIdentity {
  /** `hello.me`: host and port as the replica set's configuration names the node. */
  readonly node: string;
  /**
   * UUIDs of `local.oplog.rs` and `local.replset.initialSyncId`: kept over a restart, different on
   * every member, new after a resync. Resume tokens mean something only within one of these.
   */
  readonly dataIdentity: string;
  /** `serverStatus.repl.rbid`: grows with every rollback. */
  readonly rbid: number;
  /** Version of mongod, such as `6.0.5`. */
  readonly version: string;
  /** Feature compatibility version, such as `6.0`. */
  readonly fcv: string;
  readonly replicaSet: string;
  readonly replicaSetId: string;
}

function field(document: Document, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>(
      (value, name) =>
        typeof value === 'object' && value !== null && name in value
          ? Reflect.get(value, name)
          : undefined,
      document,
    );
}

/** UUID of a listCollections document, 32 hex digits; undefined for what has none. */
export function listedUuid(document: Buffer): string | undefined {
  const info = findElement(document, 'info');
  if (info === undefined) return undefined;
  for (const element of rawElements(document, info.valueStart)) {
    if (element.name === 'uuid')
      return document.toString('hex', element.valueStart + 5, element.end);
  }
  return undefined;
}

async function readDataIdentity(client: MongoClient): Promise<string> {
  const listing = await readAll(client, {
    database: 'local',
    collection: '$cmd.listCollections',
    command: {
      listCollections: 1,
      filter: { name: { $in: ['oplog.rs', 'replset.initialSyncId'] } },
    },
  });
  const uuids = new Map<string, string>();
  for (const document of frames(listing)) {
    const name = stringValue(document, findElement(document, 'name'));
    const uuid = listedUuid(document);
    if (name !== undefined && uuid !== undefined) uuids.set(name, uuid);
  }
  return `${uuids.get('oplog.rs') ?? '-'}/${uuids.get('replset.initialSyncId') ?? '-'}`;
}

/**
 * Reads who the pinned node is. Needs a direct connection.
 *
 * @throws HoldfastError HF-MONGO-003 when it belongs to no replica set; HF-MONGO-001, -004, -005
 */
export async function readNodeIdentity(client: MongoClient): Promise<NodeIdentity> {
  const admin = client.db('admin');
  const run = (command: Document, name: string): Promise<Document> =>
    explained(client, name, 'admin', () => admin.command(command));
  const hello = await run({ hello: 1 }, 'hello');
  const text = (document: Document, path: string, command: string): string => {
    const value = field(document, path);
    if (typeof value === 'string') return value;
    if (typeof value === 'number') return String(value);
    if (value instanceof ObjectId) return value.toHexString();
    throw unreadableReply(client, `no ${path} in ${command}`);
  };
  if (field(hello, 'setName') === undefined) {
    const { hosts } = connectionContext(client);
    throw new HoldfastError('HF-MONGO-003', { hosts: hosts.join(', ') });
  }
  const status = await run(
    { serverStatus: 1, metrics: 0, wiredTiger: 0, locks: 0, tcmalloc: 0, repl: 1 },
    'serverStatus',
  );
  const parameter = await run({ getParameter: 1, featureCompatibilityVersion: 1 }, 'getParameter');
  const configuration = await run({ replSetGetConfig: 1 }, 'replSetGetConfig');
  return {
    node: text(hello, 'me', 'hello'),
    dataIdentity: await readDataIdentity(client),
    rbid: Number(text(status, 'repl.rbid', 'serverStatus')),
    version: text(status, 'version', 'serverStatus'),
    fcv: text(parameter, 'featureCompatibilityVersion.version', 'getParameter'),
    replicaSet: text(hello, 'setName', 'hello'),
    replicaSetId: text(configuration, 'config.settings.replicaSetId', 'replSetGetConfig'),
  };
}
