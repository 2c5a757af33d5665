import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { documentSchemas } from '../../client/json-schema';
import { destroyController } from '../../examples/controller/destroy';
import { heldBy } from '../../examples/quickstart/proof';
import { captureServer, type Capture } from '../../mongo/capture';
import { compareCaptures } from '../../mongo/compare';
import { archiveName } from '../archive/sample-archive';
import { binary } from '../mongo/mongod';
import { startReplicaSet } from '../mongo/replica-set';
import { Site } from './site';
import { captureSite, siteDifferences } from './state';

const run = promisify(execFile);
const fixture = join(__dirname, '../fixtures', archiveName);
/** Of the controller that the archive is of. */
const modelUuid = 'a78216c9-fa4e-4f57-874f-c662329232b8';
const id = `20261121-090316.${modelUuid}`;
const databases = ['juju', 'logs', 'blobstore'];

/** One database of a capture, under another name. */
function databaseAs(capture: Capture, database: string, name: string): Capture {
  const collections = capture.collections
    .filter(({ namespace }) => namespace.startsWith(`${database}.`))
    .map((one) => ({ ...one, namespace: `${name}${one.namespace.slice(database.length)}` }))
    .toSorted((a, b) => (a.namespace < b.namespace ? -1 : 1));
  return { ...capture, collections, users: {}, roles: {} };
}

describe('an archive that Juju made, on mongod 4.4', () => {
  let site: Site;
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'hf-upload-'));
    site = await Site.start({ mongod: '4.4', seed: 23, size: 4_000_000, modelUuid });
    await site.startWorkers();
  });
  afterAll(async () => {
    await site.stop();
    await rm(directory, { recursive: true, force: true });
  });

  it('is added once, and listed and described with what its metadata says', async () => {
    const added = await site.holdfast('upload', fixture, '--json');
    expect(added.stderr).toBe('');
    expect(documentSchemas.upload.parse(JSON.parse(added.stdout))).toMatchObject({
      id,
      documents: 3249,
      origin: { sha1Base64: 'qzNhvfw4gGIlzcByGIrWvNbYfOY=' },
    });
    const listed = await site.holdfast('list', '--json');
    expect(documentSchemas.list.parse(JSON.parse(listed.stdout)).backups).toMatchObject([
      { id, status: 'complete', notes: 'first backup, quiet', jujuVersion: '2.9.21' },
    ]);
    const { stdout } = await site.holdfast('info', id);
    expect(stdout).toMatch(/^juju version: +2\.9\.21$/m);
    expect(stdout).toMatch(/^started: +2026-11-21 09:03:16 UTC$/m);
    expect(stdout).toContain('qzNhvfw4gGIlzcByGIrWvNbYfOY=');
    const again = await site.holdfast('upload', fixture);
    expect(again.status).toBe(11);
    expect(again.stderr).toContain('[HF-STORAGE-002]');
    expect(await site.leftovers()).toEqual([]);
  });

  it('is verified, every byte of it', async () => {
    const verified = await site.holdfast('verify', id);
    expect(verified.stderr).not.toContain('error');
    expect(verified.status).toBe(0);
    const listed = await site.holdfast('list', '--json');
    expect(documentSchemas.list.parse(JSON.parse(listed.stdout)).backups).toMatchObject([
      { id, verified: { sound: true } },
    ]);
  });

  it('is restored to what the real mongorestore makes of it', async () => {
    const other = await startReplicaSet({ version: '4.4' });
    const client = await other.client();
    const ours = site.database();
    try {
      await run('tar', ['-xzf', fixture, '-C', directory]);
      const uri = `mongodb://${other.target.hosts.join(',')}/?replicaSet=${other.target.replicaSet ?? ''}`;
      await run(binary('HOLDFAST_MONGORESTORE'), [
        '--uri',
        uri,
        '--oplogReplay',
        '--quiet',
        join(directory, 'juju-backup/dump'),
      ]);
      for (const name of databases) {
        const names = ['--only', `${name}.*`, '--as', `scratch-${name}.*`];
        const restored = await site.holdfast('restore', id, ...names, '--quiet');
        expect(restored.stderr).toBe('');
        expect(restored.status).toBe(0);
      }
      const expected = await captureServer(client);
      const found = await captureServer(ours);
      for (const name of databases) {
        const theirs = databaseAs(expected, name, `scratch-${name}`);
        expect(theirs.collections.length).toBeGreaterThan(0);
        const restored = databaseAs(found, `scratch-${name}`, `scratch-${name}`);
        expect(compareCaptures(theirs, restored)).toEqual([]);
      }
      for (const name of databases) await ours.db(`scratch-${name}`).dropDatabase();
    } finally {
      await ours.close();
      await client.close();
      await other.stop();
    }
  });

  it('of this controller restores it whole, from the file alone', async () => {
    const before = await captureSite(site);
    const own = await site.create();
    const fetched = await site.holdfast('download', own, directory, '--quiet');
    expect(fetched.status).toBe(0);
    // As Juju lays one out: nothing of ours in it, one gzip member, metadata last.
    const content = join(directory, 'juju');
    await run('mkdir', [content]);
    await run('tar', ['-xpzf', fetched.stdout.trim(), '-C', content]);
    await rm(join(content, 'juju-backup/holdfast'), { recursive: true });
    await rm(join(content, 'juju-backup/dump/prelude.json'));
    const file = join(directory, 'made-by-juju.tar.gz');
    const parts = ['root.tar', 'dump', 'metadata.json'].map((name) => `juju-backup/${name}`);
    await run('tar', ['-czf', file, '-C', content, ...parts]);
    const held = await heldBy(site.example, own);
    await rm(join(site.example.storage, modelUuid), { recursive: true });
    await destroyController(site.example.directory, held);
    const restored = await site.holdfast('restore', '--file', file, '--yes');
    expect(restored.stderr).not.toContain('error');
    expect(restored.status).toBe(0);
    expect(siteDifferences(before, await captureSite(site))).toEqual([]);
    const planned = await site.holdfast('restore', '--file', file, '--plan');
    expect(planned.stderr).toContain('is in the storage already');
    expect(planned.status).toBe(0);
    expect(await site.leftovers()).toEqual([]);
  });
});
