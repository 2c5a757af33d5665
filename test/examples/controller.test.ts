import { spawn } from 'node:child_process';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import type { MongoClient } from 'mongodb';
import { findAgentConf } from '../../controller/agent-conf';
import { listFilesToBackUp } from '../../controller/files-to-back-up';
import { identifyHost } from '../../controller/host-identity';
import { inventoryFiles } from '../../controller/inventory-files';
import { readJujuFacts } from '../../controller/juju-facts';
import { mongoTargetFromAgentConf } from '../../controller/mongo-target';
import { connectMongo } from '../../mongo/connection';
import { databaseClient } from '../../examples/controller/database';
import { readExample } from '../../examples/controller/build-controller';
import { destroyController } from '../../examples/controller/destroy';
import { oddCollection } from '../../examples/controller/odd-documents';
import {
  exampleAccess,
  readAgentReport,
  startController,
  type RunningController,
} from '../../examples/controller/run-controller';
import { containing, failure, inDirectory } from '../controller/temporary';
import { compiled } from './compiled';
import { until } from './until';

const now = new Date('2026-11-21T10:00:00Z');
const programs = dirname(compiled('examples/controller/supervisor.js'));

function mongodPath(variable: string): string {
  const path = process.env[variable];
  if (path === undefined) throw new Error(`${variable} is not set`);
  return path;
}

async function running(
  variable: string,
  work: (controller: RunningController, client: MongoClient) => Promise<void>,
): Promise<void> {
  await inDirectory(async (directory) => {
    const controller = await startController({
      directory: join(directory, 'example'),
      seed: 5,
      sizeBytes: 2_000_000,
      mongod: mongodPath(variable),
      now,
      programs,
    });
    const client = databaseClient(exampleAccess(controller.example));
    try {
      await work(controller, client);
    } finally {
      await client.close();
      await controller.stop();
    }
  });
}

/** A digest of every document's bytes, without those that hold fresh keys and ports. */
async function digest(client: MongoClient): Promise<Record<string, string>> {
  const digests: Record<string, string> = {};
  for (const name of ['juju', 'logs', 'blobstore']) {
    const db = client.db(name);
    for (const { name: collection, type } of await db.listCollections().toArray()) {
      if (type === 'view' || ['controllers', 'system.views'].includes(collection)) continue;
      const hash = createHash('sha256');
      const documents = db.collection(collection).find({}, { raw: true }).sort({ _id: 1 });
      for await (const document of documents) {
        if (Buffer.isBuffer(document)) hash.update(document);
      }
      digests[`${name}.${collection}`] = hash.digest('hex');
    }
  }
  return digests;
}

describe.each(['HOLDFAST_MONGOD', 'HOLDFAST_MONGOD44'])(
  'the example controller on %s',
  (mongod) => {
    test('is a controller to everything that reads one', async () => {
      await running(mongod, async ({ example, services }, client) => {
        const { root, dataDir, workspace } = example;
        const conf = await findAgentConf(root, dataDir);
        if (conf === undefined) throw new Error('no agent.conf');
        expect(
          await identifyHost({ configured: {}, root, dataDir, workspace, machineId: '' }),
        ).toMatchObject({ modelUuid: example.modelUuid, machine: 'machine-0', from: 'agent.conf' });

        const agentClient = await connectMongo(mongoTargetFromAgentConf(conf), {
          appName: 'holdfast-test',
          direct: false,
        });
        try {
          expect(await readJujuFacts(agentClient, 'machine-0')).toMatchObject({
            modelUuid: example.modelUuid,
            controllerUuid: example.controllerUuid,
            controllerName: 'example',
            jujuVersion: '2.9.51',
            haNodes: 1,
            machineId: '0',
            instanceId: `juju-${example.modelUuid.slice(-6)}-0`,
            series: 'focal',
            base: undefined,
            caCert: example.caCert,
          });
        } finally {
          await agentClient.close();
        }
        const roles = [
          'clusterAdmin',
          'dbAdminAnyDatabase',
          'readWriteAnyDatabase',
          'userAdminAnyDatabase',
        ];
        expect(await client.db('admin').command({ usersInfo: 1 })).toMatchObject({
          users: [{ user: 'machine-0' }],
        });
        const { authInfo } = await client.db('admin').command({ connectionStatus: 1 });
        expect(authInfo).toHaveProperty('authenticatedUserRoles.length', roles.length);
        for (const role of roles) {
          expect(JSON.stringify(authInfo)).toContain(JSON.stringify({ role, db: 'admin' }));
        }
        const collections = await client.db('juju').listCollections().toArray();
        const options = Object.fromEntries(collections.map((each) => [each.name, each]));
        expect(options['txns.log']).toMatchObject({ options: { capped: true } });
        expect(options['aliveMachines']).toMatchObject({ type: 'view' });
        expect(options['externalControllers']).toMatchObject({
          options: { validator: { alias: { $type: 'string' } } },
        });
        expect(Object.keys(options)).toContain(oddCollection);
        const indexes = await client.db('juju').collection('bakeryStorageItems').indexes();
        expect(indexes.find(({ name }) => name === 'expires_1')).toMatchObject({
          expireAfterSeconds: 1,
        });
        const soon = new Date(now.getTime() + 300 * 24 * 3600_000);
        for (const [name, field] of [
          ['bakeryStorageItems', 'expires'],
          ['cloudimagemetadata', 'expire-at'],
        ] as const) {
          const filter = { [field]: { $lt: soon } };
          expect(await client.db('juju').collection(name).countDocuments(filter)).toBe(0);
        }
        const stats = await Promise.all(
          ['juju', 'logs', 'blobstore'].map((name) => client.db(name).stats()),
        );
        const size = stats.reduce((sum, { dataSize }) => sum + Number(dataSize), 0);
        expect(size).toBeGreaterThan(1_600_000);
        expect(size).toBeLessThan(3_000_000);

        const first = await until('a report', () => readAgentReport(example));
        expect(first).toMatchObject({ address: example.hosts[0], connectedCount: 1 });
        process.kill(first.pid, 'SIGKILL');
        const next = await until('a new connection', async () => {
          const report = await readAgentReport(example);
          return report?.connectedCount === 2 ? report : undefined;
        });
        expect(next.pid).toBe((await services.state('jujud-machine-0')).pid);
        expect(next.documents).toBe(first.documents);
      });
    });
  },
);

describe('the example controller', () => {
  test('is the same for the same seed', async () => {
    const digests: Record<string, string>[] = [];
    const files: unknown[] = [];
    for (let times = 0; times < 2; times += 1) {
      await running('HOLDFAST_MONGOD', async ({ example }, client) => {
        digests.push(await digest(client));
        const records = await inventoryFiles(example.root, ['var/lib/juju/tools']);
        files.push(records.map((record) => ({ ...record, link: undefined, mtime: undefined })));
      });
    }
    expect(Object.keys(digests[0] ?? {}).length).toBeGreaterThan(30);
    const empty = createHash('sha256').digest('hex');
    expect(digests[0]?.['juju.statuseshistory']).not.toBe(empty);
    expect(digests[1]).toEqual(digests[0]);
    expect(files[1]).toEqual(files[0]);
  });

  test('is destroyed as far as its archive reaches, and its agent notices', async () => {
    await running('HOLDFAST_MONGOD', async ({ example, services }, client) => {
      const { root, dataDir, directory } = example;
      const { files } = await listFilesToBackUp({ root, dataDir });
      const paths = files.map(({ name }) => name);
      const outside = join(directory, 'outside');
      await mkdir(outside);
      await writeFile(join(outside, 'kept'), '');
      await symlink(outside, join(root, 'link'));
      const before = await inventoryFiles(root, paths);
      for (const path of ['link/kept', '../outside/kept', '/etc/hostname']) {
        const databases = ['juju'];
        expect(
          await failure(destroyController(directory, { databases, paths: [...paths, path] })),
        ).toMatchObject({ message: containing('is not deleted') });
      }
      expect(await inventoryFiles(root, paths)).toEqual(before);
      expect(await client.db('juju').collection('models').countDocuments()).toBe(3);

      const databases = ['juju', 'logs', 'blobstore', 'admin'];
      expect(await destroyController(directory, { databases, paths })).toEqual({
        databases: ['juju', 'logs', 'blobstore'],
        paths: paths.length,
      });
      expect(await inventoryFiles(root, paths)).toEqual([]);
      const left = await client.db('admin').admin().listDatabases({ nameOnly: true });
      expect(left.databases.map(({ name }) => name).sort()).toEqual(['admin', 'config', 'local']);
      await until('the agent to fail', async () => {
        const log = await readFile(join(example.state, 'agent.log'), 'utf8');
        return log.includes('the database knows no controller') ? true : undefined;
      });
      expect(await services.state('juju-db')).toMatchObject({ active: true });
    });
  });

  test('runs from the command line until it is told to stop, and starts again where it was', async () => {
    await inDirectory(async (parent) => {
      const directory = join(parent, 'example');
      const main = compiled('examples/controller/main.js');
      const seen: unknown[] = [];
      for (let times = 0; times < 2; times += 1) {
        const child = spawn(
          process.execPath,
          [main, 'start', '--directory', directory, '--size', '300k', '--seed', '3'],
          { stdio: ['ignore', 'pipe', 'inherit'] },
        );
        const ended = new Promise((resolve) => child.once('exit', resolve));
        const lines = createInterface({ input: child.stdout });
        const line = await new Promise<string>((resolve, reject) => {
          lines.once('line', resolve);
          lines.once('close', () => reject(new Error('no line')));
        });
        const info = await readExample(directory);
        expect(JSON.parse(line)).toMatchObject({
          v: 1,
          root: join(directory, 'root'),
          hosts: info.hosts,
          modelUuid: info.modelUuid,
          socket: info.socket,
        });
        seen.push([info.modelUuid, info.hosts]);
        expect(await readAgentReport(info)).toMatchObject({ connectedCount: times + 1 });
        const stop = spawn(process.execPath, [main, 'stop', '--directory', directory]);
        await Promise.all([ended, new Promise((resolve) => stop.once('exit', resolve))]);
        expect(await failure(readFile(info.socket))).toMatchObject({ code: 'ENOENT' });
      }
      expect(seen[1]).toEqual(seen[0]);
    });
  });
});
