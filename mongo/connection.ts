import * as os from 'node:os';
import { MongoClient, type MongoClientOptions } from 'mongodb';
import type { Secret } from '../core/secret';
import { connectionError } from './errors';

/** How mongod is reached over TLS. Files are PEM and are read by the driver when it connects. */
export interface MongoTls {
  /** Certificates of the authorities to trust, as a file. */
  readonly caFile?: string;
  /** The same as PEM text; agent.conf holds Juju's in this form. */
  readonly ca?: string;
  /** Certificate and private key of this client, in one file. */
  readonly certificateKeyFile?: string;
  /** Accept a certificate made out to another host: Juju's name `juju-mongodb`, never an address. */
  readonly allowInvalidHostnames?: boolean;
}

/** A mongod or replica set, and as whom to connect. */
export interface MongoTarget {
  /** `host:port` of one or more members. */
  readonly hosts: readonly string[];
  readonly replicaSet?: string;
  readonly tls?: MongoTls;
  readonly username?: string;
  readonly password?: Secret;
  /** Database that knows the user; `admin` when it is not given. */
  readonly authSource?: string;
}

/** How long a connection may take, milliseconds. */
export interface ConnectTimeouts {
  /** Until a member is found that can be used: 5,000 by default. */
  readonly selectionMs?: number;
  /** Until a socket, TLS included, is open: 5,000 by default. */
  readonly connectMs?: number;
}

export interface ConnectOptions {
  /** Seen in `$currentOp` and in mongod's log; begins with `holdfast`. */
  readonly appName: string;
  /** Pin the first host instead of following the replica set. */
  readonly direct: boolean;
  readonly signal?: AbortSignal;
  readonly timeouts?: ConnectTimeouts;
}

function clientOptions(target: MongoTarget, options: ConnectOptions): MongoClientOptions {
  const { tls } = target;
  return {
    appName: options.appName,
    directConnection: options.direct,
    serverSelectionTimeoutMS: options.timeouts?.selectionMs ?? 5_000,
    connectTimeoutMS: options.timeouts?.connectMs ?? 5_000,
    // The driver's own way is a dynamic import(), which fails without a word under Jest.
    runtimeAdapters: { os },
    retryReads: true,
    retryWrites: true,
    ...(target.replicaSet === undefined || options.direct ? {} : { replicaSet: target.replicaSet }),
    ...(target.username === undefined
      ? {}
      : {
          auth: { username: target.username, password: target.password?.reveal() ?? '' },
          authSource: target.authSource ?? 'admin',
        }),
    ...(tls === undefined
      ? {}
      : {
          tls: true,
          ...(tls.caFile === undefined ? {} : { tlsCAFile: tls.caFile }),
          ...(tls.ca === undefined ? {} : { ca: tls.ca }),
          ...(tls.certificateKeyFile === undefined
            ? {}
            : { tlsCertificateKeyFile: tls.certificateKeyFile }),
          ...(tls.allowInvalidHostnames === true ? { tlsAllowInvalidHostnames: true } : {}),
        }),
  };
}

/**
 * Connects and proves it: a member answered and accepted the credentials. The caller closes the
 * client.
 *
 * @throws HoldfastError HF-MONGO-001 when nothing answers within the timeouts (5 s by default),
 * HF-MONGO-002 when the credentials are refused; the reason of the signal when that is aborted.
 * No password is ever part of an error.
 */
export async function connectMongo(
  target: MongoTarget,
  options: ConnectOptions,
): Promise<MongoClient> {
  const { signal } = options;
  signal?.throwIfAborted();
  let client: MongoClient | undefined;
  const abort = (): void => void client?.close().catch(() => undefined);
  try {
    client = new MongoClient(
      `mongodb://${target.hosts.join(',')}/`,
      clientOptions(target, options),
    );
    signal?.addEventListener('abort', abort, { once: true });
    await client.connect();
    await client.db('admin').command({ ping: 1 });
    signal?.throwIfAborted();
    return client;
  } catch (error) {
    await client?.close().catch(() => undefined);
    signal?.throwIfAborted();
    throw connectionError(error, { hosts: target.hosts, user: target.username });
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}
