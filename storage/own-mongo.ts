import * as os from 'node:os';
import type { MongoClient, MongoClientOptions } from 'mongodb';
import type { Secret } from '../core/secret';

/** A MongoDB in which Holdfast keeps something of its own: backups, or the catalog of them. */
export interface OwnMongo {
  /** `host:port`, at least one. */
  readonly hosts: readonly string[];
  readonly replicaSet?: string | undefined;
  readonly tls?: { readonly caFile: string } | undefined;
  readonly credentials?:
    { readonly username: string; readonly password: () => Promise<Secret> } | undefined;
  /** Begins with `holdfast`: such a database is never part of a backup. */
  readonly database: string;
  /** Milliseconds until a server must have been found. */
  readonly timeout: number;
}

/**
 * Connects to its primary and gives what `prepare` makes of the client, which stays open then.
 *
 * @param options of the driver, besides those that `place` says
 * @throws what reading the password, the driver or `prepare` throws; the client is closed then
 */
export async function openOwnMongo<T>(
  place: OwnMongo,
  options: MongoClientOptions,
  prepare: (client: MongoClient) => Promise<T>,
): Promise<T> {
  const { hosts, replicaSet, tls, credentials, timeout } = place;
  // Loaded by the first call: most commands need no driver.
  const { MongoClient: Client } = await import('mongodb');
  const auth =
    credentials === undefined
      ? {}
      : {
          auth: {
            username: credentials.username,
            password: (await credentials.password()).reveal(),
          },
          authSource: 'admin',
        };
  const client = new Client(`mongodb://${hosts.join(',')}/`, {
    ...auth,
    ...(replicaSet === undefined ? {} : { replicaSet }),
    ...(tls === undefined ? {} : { tls: true, tlsCAFile: tls.caFile }),
    // The driver's own way is a dynamic import(), which fails without a word under Jest.
    runtimeAdapters: { os },
    readPreference: 'primary',
    serverSelectionTimeoutMS: timeout,
    connectTimeoutMS: timeout,
    ...options,
  });
  try {
    await client.connect();
    return await prepare(client);
  } catch (error) {
    await client.close();
    throw error;
  }
}
