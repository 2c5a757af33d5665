import { rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { databaseClient } from '../examples/controller/database';
import { exampleAccess } from '../examples/controller/run-controller';
import type { Bench } from './bench';
import type { Contender, Sample } from './figures';
import { measureCommand } from './meter';
import { connectionArguments, findAll, versionOf } from './peers';
import { BenchS3, benchBucket } from './s3-server';
import { measureSteps } from './step-process';
import { transfer } from './steps/storage-transfer';

export type Direction = 'write' | 'read';

/** A storage, and what the same file is moved with beside it. */
export interface StoragePlace {
  readonly type: 'file' | 's3' | 'gridfs';
  /** What the peer is, by its own words. */
  readonly peer?: string;
  readonly contenders: (direction: Direction) => readonly Contender[];
  /** What a read reads: stored by both. */
  prepareReads(): Promise<void>;
  stop(): Promise<void>;
}

/** The file that is moved, and where what is read goes. */
export interface Moved {
  readonly source: string;
  readonly target: string;
  readonly bytes: number;
}

async function requireWhole(path: string, { bytes }: Moved): Promise<void> {
  const { size } = await stat(path);
  if (size !== bytes) throw new Error(`${path} has ${size} bytes in place of ${bytes}`);
}

/** A contender that writes into an emptied place, or reads into a file that is removed again. */
function contender(
  name: string,
  direction: Direction,
  moved: Moved,
  clear: () => Promise<void>,
  work: (file: string) => Promise<Sample>,
): Contender {
  return {
    name,
    run: async () => {
      if (direction === 'write') {
        await clear();
        return work(moved.source);
      }
      const sample = await work(moved.target);
      await requireWhole(moved.target, moved);
      await rm(moved.target);
      return sample;
    },
  };
}

/** Holdfast's part: a process that moves the file through a storage as it is configured. */
async function holdfast(
  bench: Bench,
  storage: Readonly<Record<string, unknown>>,
  direction: Direction,
  file: string,
  serverPid: number,
): Promise<Sample> {
  const job = join(bench.options.directory, 'job.json');
  const text = JSON.stringify({ storage: { name: 'bench', ...storage }, direction, file });
  await writeFile(job, text, { mode: 0o600 });
  const meter = { mongodPid: serverPid, profile: bench.options.profile };
  return (await measureSteps('steps/storage.js', [job], meter)).sample;
}

/** `file` beside `cp`, and `cp` whose copy is brought to disk, as Holdfast's is. */
export async function filePlace(bench: Bench, moved: Moved): Promise<StoragePlace> {
  const path = await bench.scratch('storage-file');
  const copies = await bench.scratch('storage-cp');
  const copy = join(copies, 'archive');
  const stored = join(path, transfer.directory, transfer.name, transfer.file);
  const { mongodPid } = await bench.meter();
  const clear = async (): Promise<void> => {
    await rm(join(path, transfer.directory), { recursive: true, force: true });
    await rm(copy, { force: true });
  };
  const own = (direction: Direction, file: string) =>
    holdfast(bench, { type: 'file', path }, direction, file, mongodPid);
  const cp = async (from: string, to: string): Promise<Sample> =>
    (await measureCommand('cp', [from, to], { mongodPid })).sample;
  const synced = async (from: string, to: string): Promise<Sample> =>
    (await measureCommand('sh', ['-c', 'cp "$0" "$1" && sync "$1"', from, to], { mongodPid }))
      .sample;
  return {
    type: 'file',
    contenders: (direction) => {
      const moving =
        (work: (from: string, to: string) => Promise<Sample>) =>
        (file: string): Promise<Sample> =>
          direction === 'write' ? work(file, copy) : work(stored, file);
      return [
        contender(`holdfast file, ${direction}`, direction, moved, clear, (file) =>
          own(direction, file),
        ),
        contender(`cp, ${direction}`, direction, moved, clear, moving(cp)),
        ...(direction === 'read'
          ? []
          : [contender('cp and sync, write', direction, moved, clear, moving(synced))]),
      ];
    },
    prepareReads: async () => {
      await clear();
      await own('write', moved.source);
    },
    stop: async () => {
      await rm(path, { recursive: true });
      await rm(copies, { recursive: true });
    },
  };
}

function sdkVersion(): string {
  const manifest: unknown = require('@aws-sdk/lib-storage/package.json');
  return manifest instanceof Object && 'version' in manifest ? String(manifest.version) : '';
}

const plain = { key: 'plain', partBytes: 8 * 1024 ** 2, parallel: 4 };

/** `s3` beside lib-storage of the AWS SDK, with as many parts of the same size at once. */
export async function s3Place(bench: Bench, moved: Moved): Promise<StoragePlace> {
  const directory = await bench.scratch('storage-s3');
  const path = await findAll(['versitygw']);
  const server = await BenchS3.start(path('versitygw'), directory);
  const secret = join(bench.options.directory, 's3-secret');
  await writeFile(secret, server.access.secretAccessKey, { mode: 0o600 });
  const { endpoint, access: credentials, pid } = server;
  const own = (direction: Direction, file: string) => {
    const { accessKeyId } = credentials;
    const keys = { accessKeyId, secretAccessKey: { file: secret } };
    const storage = { type: 's3', bucket: benchBucket, endpoint, pathStyle: true };
    return holdfast(bench, { ...storage, credentials: keys }, direction, file, pid);
  };
  const sdk = async (direction: Direction, file: string): Promise<Sample> => {
    const job = join(bench.options.directory, 'plain.json');
    const at = { endpoint, bucket: benchBucket, credentials, ...plain };
    await writeFile(job, JSON.stringify({ ...at, direction, file }), { mode: 0o600 });
    return (await measureSteps('steps/s3-plain.js', [job], { mongodPid: pid })).sample;
  };
  const clear = async (): Promise<void> => {
    const { Contents = [] } = await server.client.listObjectsV2({ Bucket: benchBucket });
    for (const { Key } of Contents) await server.client.deleteObject({ Bucket: benchBucket, Key });
  };
  return {
    type: 's3',
    peer: `@aws-sdk/lib-storage ${sdkVersion()}, ${await versionOf(path('versitygw'))}.`,
    contenders: (direction) => [
      contender(`holdfast s3, ${direction}`, direction, moved, clear, (file) =>
        own(direction, file),
      ),
      contender(`AWS SDK (lib-storage), ${direction}`, direction, moved, clear, (file) =>
        sdk(direction, file),
      ),
    ],
    prepareReads: async () => {
      await clear();
      await own('write', moved.source);
      await sdk('write', moved.source);
    },
    stop: async () => {
      await server.stop();
      await rm(directory, { recursive: true });
    },
  };
}

const databases = { own: 'holdfast_bench', peer: 'holdfast_bench_peer' };

/** `gridfs` beside mongofiles, both on the mongod of the controller. */
export async function gridfsPlace(bench: Bench, moved: Moved): Promise<StoragePlace> {
  const { example } = bench.site;
  const path = await findAll(['mongofiles']);
  const { mongodPid } = await bench.meter();
  const caFile = join(bench.options.directory, 'ca.pem');
  const password = join(bench.options.directory, 'mongo-password');
  await writeFile(caFile, example.caCert);
  await writeFile(password, example.password, { mode: 0o600 });
  const client = databaseClient(exampleAccess(example));
  const own = (direction: Direction, file: string) => {
    const set = { hosts: example.hosts, replicaSet: 'juju', tls: { caFile } };
    const login = { username: 'machine-0', password: { file: password } };
    const storage = { type: 'gridfs', ...set, ...login, database: databases.own };
    return holdfast(bench, storage, direction, file, mongodPid);
  };
  const mongofiles = async (direction: Direction, file: string): Promise<Sample> => {
    const command = [direction === 'write' ? 'put' : 'get', transfer.file];
    const where = [...connectionArguments(example), '--db', databases.peer, '--local', file];
    const args = ['--quiet', ...where, ...command];
    return (await measureCommand(path('mongofiles'), args, { mongodPid })).sample;
  };
  const clear = async (): Promise<void> => {
    for (const name of Object.values(databases)) await client.db(name).dropDatabase();
  };
  return {
    type: 'gridfs',
    peer: `mongofiles: ${await versionOf(path('mongofiles'))}.`,
    contenders: (direction) => [
      contender(`holdfast gridfs, ${direction}`, direction, moved, clear, (file) =>
        own(direction, file),
      ),
      contender(`mongofiles, ${direction}`, direction, moved, clear, (file) =>
        mongofiles(direction, file),
      ),
    ],
    prepareReads: async () => {
      await clear();
      await own('write', moved.source);
      await mongofiles('write', moved.source);
    },
    stop: async () => {
      await clear();
      await client.close();
    },
  };
}
