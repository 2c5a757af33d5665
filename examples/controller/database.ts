import os from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { MongoClient } from 'mongodb';

/** The roles Juju gives a machine agent's user, all in `admin`. */
export const jujuRoles = [
  'clusterAdmin',
  'dbAdminAnyDatabase',
  'readWriteAnyDatabase',
  'userAdminAnyDatabase',
] as const;

/** How to reach an example's mongod. */
export interface DatabaseAccess {
  /** `127.0.0.1:port`. */
  readonly host: string;
  /** PEM. */
  readonly caCert: string;
  readonly password: string;
}

/** The arguments of an example's mongod: one member of a set `juju`, TLS required, auth by key file. */
export function mongodArguments(options: {
  readonly port: number;
  readonly dbPath: string;
  readonly certificateKeyFile: string;
  readonly caFile: string;
  readonly keyFile: string;
  readonly log: string;
}): string[] {
  return [
    ['--port', String(options.port), '--bind_ip', '127.0.0.1', '--nounixsocket'],
    ['--dbpath', options.dbPath, '--replSet', 'juju', '--oplogSize', '256'],
    ['--wiredTigerCacheSizeGB', '0.25'],
    ['--setParameter', 'diagnosticDataCollectionEnabled=false'],
    ['--tlsMode', 'requireTLS', '--tlsCertificateKeyFile', options.certificateKeyFile],
    ['--tlsCAFile', options.caFile, '--tlsAllowConnectionsWithoutCertificates'],
    ['--auth', '--keyFile', options.keyFile],
    ['--logpath', options.log, '--logappend'],
  ].flat();
}

/** A client of an example's mongod; without `authenticate` it uses the localhost exception. */
export function databaseClient(access: DatabaseAccess, authenticate = true): MongoClient {
  return new MongoClient(`mongodb://${access.host}/`, {
    appName: 'example-controller',
    // The driver imports `os` dynamically by itself, which a test's sandbox refuses.
    runtimeAdapters: { os },
    directConnection: true,
    tls: true,
    ca: access.caCert,
    serverSelectionTimeoutMS: 20_000,
    ...(authenticate
      ? { auth: { username: 'machine-0', password: access.password }, authSource: 'admin' }
      : {}),
  });
}

/**
 * Makes a fresh mongod the only member of the set `juju`, and `machine-0` its only user, with
 * Juju's four roles, both through the localhost exception.
 */
export async function initiateDatabase(access: DatabaseAccess): Promise<void> {
  const client = databaseClient(access, false);
  try {
    await client.connect();
    const admin = client.db('admin');
    await admin.command({
      replSetInitiate: {
        _id: 'juju',
        version: 1,
        settings: { electionTimeoutMillis: 2000 },
        members: [{ _id: 1, host: access.host, tags: { 'juju-machine-id': '0' } }],
      },
    });
    for (let tries = 0; ; tries += 1) {
      const hello = await admin.command({ hello: 1 });
      if (hello['isWritablePrimary'] === true) break;
      if (tries > 300) throw new Error(`mongod at ${access.host} did not become primary`);
      await delay(50);
    }
    await admin.command({
      createUser: 'machine-0',
      pwd: access.password,
      roles: jujuRoles.map((role) => ({ role, db: 'admin' })),
      writeConcern: { w: 'majority' },
    });
  } finally {
    await client.close();
  }
}

/** Gives a running mongod another cache, bytes, until it is started again. */
export async function setCache(client: MongoClient, bytes: number): Promise<void> {
  await client.db('admin').command({
    setParameter: 1,
    wiredTigerEngineRuntimeConfig: `cache_size=${Math.round(bytes / 1024 ** 2)}M`,
  });
}
