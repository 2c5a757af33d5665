import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MongoServerError, type Document, type MongoClient } from 'mongodb';
import { Secret } from '../../core/secret';
import { connectMongo, type MongoTarget } from '../../mongo/connection';
import { makeCertificates } from './certificates';
import { binary, freePort, Mongod } from './mongod';

export type MongodVersion = '6.0' | '4.4';
/** Every version the tests run on, for `describe.each`. */
export const mongodVersions: readonly MongodVersion[] = ['6.0', '4.4'];

export interface ReplicaSetOptions {
  readonly version: MongodVersion;
  /** keyFile, requireTLS and user `machine-0` with Juju's four roles; plain and open otherwise. */
  readonly auth?: boolean;
  readonly members?: number;
  readonly oplogSizeMB?: number;
  /** Seconds between two checkpoints of the storage engine; an oplog keeps what the last one needs. */
  readonly syncDelay?: number;
  readonly setParameter?: Readonly<Record<string, string>>;
}

/** Roles Juju gives its agents in mongod, all on `admin`. */
export const jujuRoles = [
  'dbAdminAnyDatabase',
  'userAdminAnyDatabase',
  'clusterAdmin',
  'readWriteAnyDatabase',
];

const setName = 'holdfast-test';
const user = 'machine-0';
const password = 'pass/word:with@signs%';

/** A real replica set on this computer, all of it gone after `stop`. */
export class TestReplicaSet {
  readonly #mongods: readonly Mongod[];
  readonly #clients: MongoClient[] = [];
  readonly #directory: string;
  /** How to connect to the set, as its user when it has one. */
  readonly target: MongoTarget;

  constructor(mongods: readonly Mongod[], target: MongoTarget, directory: string) {
    this.#mongods = mongods;
    this.target = target;
    this.#directory = directory;
  }

  get pids(): number[] {
    return this.#mongods.flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
  }

  /** The same target, pinned to one member. */
  member(index: number): MongoTarget {
    const host = this.target.hosts[index];
    if (host === undefined) throw new Error(`no member ${index}`);
    return { ...this.target, hosts: [host] };
  }

  /** A connected client that follows the primary; closed by `stop`. */
  async client(appName = 'holdfast-test'): Promise<MongoClient> {
    const client = await connectMongo(this.target, { appName, direct: false });
    this.#clients.push(client);
    return client;
  }

  /** A connected client pinned to one member; closed by `stop`. */
  async direct(index = 0, appName = 'holdfast-test'): Promise<MongoClient> {
    const client = await connectMongo(this.member(index), { appName, direct: true });
    this.#clients.push(client);
    return client;
  }

  /** Connection arguments of mongodump and mongorestore. */
  toolArguments(): string[] {
    const { tls, hosts } = this.target;
    const [host = '', port = ''] = (hosts[0] ?? '').split(':');
    return [
      `--host=${host}`,
      `--port=${port}`,
      ...(tls?.caFile === undefined ? [] : ['--ssl', `--sslCAFile=${tls.caFile}`]),
      ...(this.target.username === undefined
        ? []
        : [`--username=${user}`, `--password=${password}`, '--authenticationDatabase=admin']),
    ];
  }

  /** Sends a signal to one member and waits for its end. */
  async kill(signal: NodeJS.Signals = 'SIGKILL', index = 0): Promise<void> {
    await this.#mongods[index]?.kill(signal);
  }

  /** Stops one member orderly when it runs, starts it on the same files, waits for a primary. */
  async restart(index = 0): Promise<void> {
    await this.kill('SIGTERM', index);
    await this.#mongods[index]?.start();
    await this.waitForPrimary();
  }

  async waitForPrimary(): Promise<void> {
    const client = await connectMongo(this.target, {
      appName: 'holdfast-test',
      direct: false,
      timeouts: { selectionMs: 30_000 },
    });
    await client.close();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close().catch(() => undefined)));
    await Promise.all(this.#mongods.map((mongod) => mongod.stop()));
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/** Polls without a fixed wait until `condition` holds; at most `limitMs` milliseconds. */
export async function until(
  what: string,
  condition: () => Promise<boolean>,
  limitMs = 60_000,
): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited ${limitMs} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function initiate(target: MongoTarget, members: readonly string[]): Promise<void> {
  const { username: _username, password: _password, ...open } = target;
  const client = await connectMongo(
    { ...open, hosts: members.slice(0, 1) },
    { appName: 'holdfast-test', direct: true },
  );
  try {
    const admin = client.db('admin');
    await admin.command({
      replSetInitiate: {
        _id: setName,
        members: members.map((host, _id) => ({ _id, host, priority: _id === 0 ? 2 : 1 })),
        settings: { electionTimeoutMillis: 2_000, heartbeatIntervalMillis: 500 },
      },
    });
    await until('a primary', async () => {
      const hello: Document = await admin.command({ hello: 1 });
      return hello['isWritablePrimary'] === true;
    });
    if (target.username === undefined) return;
    await until('the first user', async () => {
      try {
        await admin.command({
          createUser: user,
          pwd: password,
          roles: jujuRoles.map((role) => ({ role, db: 'admin' })),
          writeConcern: { w: 'majority' },
        });
        return true;
      } catch (error) {
        // The primary may not have finished stepping up.
        if (error instanceof MongoServerError && error.code === 10107) return false;
        throw error;
      }
    });
  } finally {
    await client.close();
  }
}

/** Starts a replica set and waits until its primary takes writes. */
export async function startReplicaSet(options: ReplicaSetOptions): Promise<TestReplicaSet> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-mongo-'));
  const path = binary(options.version === '6.0' ? 'HOLDFAST_MONGOD' : 'HOLDFAST_MONGOD44');
  const auth = options.auth === true;
  const caFile = join(directory, 'ca.pem');
  const serverFile = join(directory, 'server.pem');
  const keyFile = join(directory, 'keyfile');
  if (auth) {
    const { ca, server } = makeCertificates();
    await writeFile(caFile, ca);
    await writeFile(serverFile, server, { mode: 0o600 });
    await writeFile(keyFile, Buffer.alloc(48, 'holdfast').toString('base64'));
    await chmod(keyFile, 0o600);
  }
  const parameters: Readonly<Record<string, string>> = {
    ...(options.version === '6.0' ? { shutdownTimeoutMillisForSignaledShutdown: '0' } : {}),
    ...options.setParameter,
  };
  const hosts: string[] = [];
  const mongods: Mongod[] = [];
  try {
    for (let index = 0; index < (options.members ?? 1); index++) {
      const port = await freePort();
      const dbpath = join(directory, `db-${index}`);
      await mkdir(dbpath);
      const mongod = new Mongod(path, [
        `--port=${port}`,
        `--dbpath=${dbpath}`,
        '--bind_ip=127.0.0.1',
        '--nounixsocket',
        `--replSet=${setName}`,
        `--oplogSize=${options.oplogSizeMB ?? 128}`,
        '--wiredTigerCacheSizeGB=0.25',
        ...(options.syncDelay === undefined ? [] : [`--syncdelay=${options.syncDelay}`]),
        ...Object.entries(parameters).map(([name, value]) => `--setParameter=${name}=${value}`),
        ...(auth
          ? [
              `--keyFile=${keyFile}`,
              '--tlsMode=requireTLS',
              `--tlsCertificateKeyFile=${serverFile}`,
              `--tlsCAFile=${caFile}`,
              '--tlsAllowConnectionsWithoutCertificates',
            ]
          : []),
      ]);
      mongods.push(mongod);
      hosts.push(`127.0.0.1:${port}`);
      await mongod.start();
    }
    const target: MongoTarget = {
      hosts,
      replicaSet: setName,
      ...(auth
        ? { tls: { caFile }, username: user, password: new Secret(password), authSource: 'admin' }
        : {}),
    };
    await initiate(target, hosts);
    return new TestReplicaSet(mongods, target, directory);
  } catch (error) {
    await Promise.all(mongods.map((mongod) => mongod.stop()));
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
}
