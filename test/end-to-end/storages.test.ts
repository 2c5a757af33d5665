import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadConfig } from '../../config/load';
import { processEnvironment } from '../../config/environment';
import { destroyController } from '../../examples/controller/destroy';
import { heldBy } from '../../examples/quickstart/proof';
import { indexName, type BackupStorage } from '../../storage/contract';
import { createStorageRegistry } from '../../storage/registry';
import { startReplicaSet } from '../mongo/replica-set';
import { S3Server, s3Access } from '../storage/s3-server';
import { Site } from './site';
import { captureSite, siteDifferences } from './state';

interface Place {
  /** The section `storage`, one line of YAML. */
  readonly yaml: string;
  /** The section `catalog`. */
  readonly catalog?: string;
  readonly variables: Readonly<Record<string, string>>;
  /** Of the catalog. */
  destroyCatalog?(): Promise<void>;
  stop(): Promise<void>;
}

async function s3(): Promise<Place> {
  const [server, set] = await Promise.all([S3Server.start(), startReplicaSet({ version: '6.0' })]);
  const bucket = await server.bucket();
  const { hosts, replicaSet } = set.target;
  const settings = {
    type: 's3',
    bucket,
    prefix: 'juju/backups',
    endpoint: server.endpoint,
    pathStyle: true,
    partSize: '5MiB',
    credentials: {
      accessKeyId: s3Access.accessKeyId,
      secretAccessKey: { env: 'HOLDFAST_TEST_S3_SECRET' },
    },
  };
  return {
    yaml: JSON.stringify(settings),
    variables: { HOLDFAST_TEST_S3_SECRET: s3Access.secretAccessKey },
    catalog: JSON.stringify({ type: 'mongodb', hosts, replicaSet, cache: false }),
    destroyCatalog: () => set.kill(),
    stop: async () => {
      await Promise.all([server.stop(), set.stop()]);
    },
  };
}

async function gridfs(): Promise<Place> {
  const set = await startReplicaSet({ version: '6.0' });
  const { hosts, replicaSet } = set.target;
  return {
    yaml: JSON.stringify({ type: 'gridfs', hosts, replicaSet }),
    variables: {},
    stop: () => set.stop(),
  };
}

describe.each([
  ['s3', s3],
  ['gridfs', gridfs],
])('a controller whose backups are in a storage of type %s', (_type, open) => {
  let place: Place;
  let site: Site;
  let storage: BackupStorage;

  beforeAll(async () => {
    place = await open();
    Object.assign(process.env, place.variables);
    site = await Site.start({
      mongod: '6.0',
      seed: 5,
      size: 20_000_000,
      heartbeatTimeout: 10_000,
      storage: place.yaml,
      catalog: place.catalog,
    });
    await site.startWorkers();
    const environment = processEnvironment();
    const { config } = await loadConfig({ file: site.example.configFile, environment });
    storage = createStorageRegistry(environment).openStorage(config.storage);
  });
  afterAll(async () => {
    await storage.close();
    await site.stop();
    await place.stop();
    for (const name of Object.keys(place.variables)) delete process.env[name];
  });

  it('is backed up, listed, verified, destroyed, and restored to what it was', async () => {
    const before = await captureSite(site);
    // An empty storage is known to be that: what is entered from now on is all there is.
    if (place.catalog !== undefined) {
      expect((await site.holdfast('catalog', 'rebuild')).stdout).toContain('0 backups');
    }
    const id = await site.create('far away');
    const listed = await site.holdfast('list', '--json');
    expect(listed.stdout).toContain(id);
    expect((await site.holdfast('info', id)).status).toBe(0);
    const verified = await site.holdfast('verify', id, '--quiet');
    expect([verified.status, verified.stderr]).toEqual([0, expect.not.stringContaining('error')]);

    if (place.catalog !== undefined) {
      const found = await site.holdfast('find', 'juju', '--json');
      expect(JSON.parse(found.stdout)).toMatchObject({
        from: 'catalog',
        backups: [{ id, state: 'verified' }],
      });
      await place.destroyCatalog?.();
    }

    const { modelUuid } = site.example;
    const handle = await storage.openBackup(modelUuid, id);
    const archive = (await handle.listFiles()).find(({ name }) => name.endsWith('.tar.gz'));
    expect(archive?.size).toBeGreaterThan(1_000_000);
    const copy = join(site.directory, 'copy');
    await mkdir(join(copy, modelUuid, id), { recursive: true });
    await writeFile(join(copy, modelUuid, id, indexName), await handle.readFile(indexName));
    const held = await heldBy({ ...site.example, storage: copy }, id);
    await destroyController(site.example.directory, held);
    expect(siteDifferences(before, await captureSite(site))).not.toEqual([]);
    const restored = await site.holdfast('restore', id, '--yes');
    expect(restored.stderr).not.toContain('error');
    expect(restored.status).toBe(0);
    expect(siteDifferences(before, await captureSite(site))).toEqual([]);
    expect(await site.leftovers()).toEqual([]);
  });

  it('has no backup left once the only one was removed', async () => {
    const { modelUuid } = site.example;
    const [backup] = await storage.scan(modelUuid);
    await storage.removeBackup(modelUuid, backup?.name ?? '');
    expect(await storage.listDirectories()).toEqual([]);
    const listed = await site.holdfast('list');
    expect([listed.status, listed.stdout]).toEqual([0, '']);
  });
});
