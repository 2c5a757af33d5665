import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pLimit from 'p-limit';
import { serializeManifest } from '../../archive/manifest';
import { recordVerified, setPin } from '../../catalog/marks';
import { documentSchemas, lineSchemas } from '../../client/json-schema';
import { indexName, manifestName, type BackupStorage } from '../../storage/contract';
import {
  archiveName,
  digestOf,
  sampleArchive,
  temporaryDirectory as sampleDirectory,
} from '../archive/sample-archive';
import { manifestOf } from '../catalog/stored-backup';
import { startReplicaSet, type TestReplicaSet } from '../mongo/replica-set';
import { S3Proxy } from '../storage/s3-proxy';
import { S3Server, s3Access } from '../storage/s3-server';
import { requireBuild, runCommand, type Ended } from './built-command';
import { modelUuid, removeDirectories, temporaryDirectory } from './temporary';

/** `HOLDFAST_FULL_SWEEP=1` lists a thousand, against the clock. */
const fullSweep = process.env['HOLDFAST_FULL_SWEEP'] === '1';
const count = fullSweep ? 1_000 : 25;
const ids = Array.from({ length: count }, (_, index) => {
  const at = new Date(Date.UTC(2025, 0, 1) + index * 6 * 3_600_000).toISOString();
  return `${at.slice(0, 10).replaceAll('-', '')}-${at.slice(11, 13)}0000.${modelUuid}`;
});
const newestFirst = ids.toReversed();
const [newest = '', second = ''] = newestFirst;
const incomplete = `20990101-000000.${modelUuid}`;

let cwd: string;
let server: S3Server;
let proxy: S3Proxy;
let set: TestReplicaSet;
let storage: BackupStorage;

function run(...args: string[]): Promise<Ended> {
  const variables = { S3_SECRET: s3Access.secretAccessKey, NODE_NO_WARNINGS: '1' };
  return runCommand(args, { cwd, variables });
}

const withCatalog = (...args: string[]): Promise<Ended> => run(...args, '--config', 'catalog.yaml');

/** How many MANIFESTs were read from the service meanwhile. */
async function manifestsRead(work: () => Promise<unknown>): Promise<number> {
  const before = proxy.seen.length;
  await work();
  const seen = proxy.seen.slice(before);
  return seen.filter(({ method, url }) => method === 'GET' && url.includes(`/${manifestName}`))
    .length;
}

/** Puts all backups; those of `archive` hold a whole one, the others only look as if. */
async function fill(bucket: string): Promise<void> {
  const sample = await sampleDirectory();
  const { bytes, index, inspection } = await sampleArchive(sample.path);
  await sample.remove();
  const limit = pLimit(16);
  const put = (id: string, name: string, Body: Buffer) =>
    limit(() =>
      server.client.putObject({ Bucket: bucket, Key: `juju/${modelUuid}/${id}/${name}`, Body }),
    );
  const dataset = {
    id: 'machine-0-controller',
    source: 'controller',
    handler: 'controller',
    repository: 'attic',
    file: archiveName,
    atoms: ['files', 'juju'],
    totalFiles: 3,
    totalBytes: 4,
    bytesAdded: 5,
    durationMs: 6,
  };
  await Promise.all(
    ids.flatMap((id, number) => {
      const archive = id === newest ? bytes : Buffer.from(`archive ${number}`);
      const lines = id === newest ? index : Buffer.from(`index ${number}`);
      const content = { ...digestOf(archive), sha1Base64: inspection.sha1Base64 };
      const at = Date.UTC(2025, 0, 1) + number * 6 * 3_600_000;
      const manifest = manifestOf(id, {
        started: new Date(at).toISOString(),
        finished: new Date(at + 60_000).toISOString(),
        datasets: [dataset],
        files: [
          {
            name: archiveName,
            host: 'machine-0',
            content,
            stored: digestOf(archive),
            compression: 'gzip',
            encryption: null,
          },
        ],
        index: { name: indexName, ...digestOf(lines) },
      });
      return [
        put(id, '.owner', Buffer.from('{"v":1,"owner":"run"}\n')),
        put(id, archiveName, archive),
        put(id, indexName, lines),
        put(id, manifestName, serializeManifest(manifest)),
      ];
    }),
  );
  const open = await storage.startBackup(modelUuid, incomplete, 'run');
  await open.putFile(archiveName, bytes);
}

async function configure(bucket: string): Promise<void> {
  const settings = {
    controller: { modelUuid, machine: 'machine-0' },
    storage: {
      name: 'attic',
      type: 's3',
      bucket,
      prefix: 'juju',
      endpoint: proxy.endpoint,
      pathStyle: true,
      credentials: {
        accessKeyId: s3Access.accessKeyId,
        secretAccessKey: { env: 'S3_SECRET' },
      },
    },
    workspace: 'workspace',
  };
  const { hosts, replicaSet } = set.target;
  const catalog = { type: 'mongodb', hosts, replicaSet };
  await writeFile(join(cwd, 'holdfast.yaml'), JSON.stringify(settings));
  await writeFile(join(cwd, 'catalog.yaml'), JSON.stringify({ ...settings, catalog }));
}

beforeAll(async () => {
  requireBuild();
  cwd = await temporaryDirectory();
  [server, set] = await Promise.all([S3Server.start(), startReplicaSet({ version: '6.0' })]);
  proxy = await S3Proxy.start(server.endpoint);
  const bucket = await server.bucket();
  storage = server.open(bucket, { name: 'attic', prefix: 'juju' });
  await fill(bucket);
  await configure(bucket);
});
afterAll(async () => {
  await storage.close();
  await proxy.stop();
  await Promise.all([server.stop(), set.stop()]);
  await removeDirectories();
});

describe('the commands that find backups, on S3', () => {
  it('read each MANIFEST once, and list the same from what they keep', async () => {
    const ended: Ended[] = [];
    const list = async (): Promise<void> => void ended.push(await run('list', '--json'));
    expect(await manifestsRead(list)).toBe(count);
    const before = proxy.seen.length;
    expect(await manifestsRead(list)).toBe(0);
    // The folders of the bucket, then four objects of each backup in pages of a thousand.
    expect(proxy.seen.length - before).toBeLessThanOrEqual(3 + Math.ceil((4 * count) / 1_000));
    const [cold, warm] = ended;
    expect([cold?.status, cold?.stderr]).toEqual([0, '']);
    expect(warm?.stdout).toBe(cold?.stdout);
    const document = documentSchemas.list.parse(JSON.parse(warm?.stdout ?? ''));
    expect(document.backups.map(({ id, state }) => [id, state])).toEqual([
      [incomplete, 'incomplete'],
      ...newestFirst.map((id) => [id, 'complete']),
    ]);
  });

  if (fullSweep) {
    it('list a thousand of them in less than two seconds', async () => {
      const took: number[] = [];
      for (let round = 0; round < 5; round += 1) took.push((await run('list')).took);
      // This computer may have other things to do at the same time.
      expect(Math.min(...took)).toBeLessThan(2_000);
    });
  }

  it('list ids alone with --brief, and read no MANIFEST for it', async () => {
    let brief: Ended | undefined;
    const read = await manifestsRead(async () => (brief = await run('list', '--brief')));
    expect(read).toBe(0);
    expect(brief?.stdout).toBe(`${[incomplete, ...newestFirst].join('\n')}\n`);
  });

  it('show a mark at once, and what it makes of the backup', async () => {
    const target = { storage, controller: modelUuid, owner: 'run', id: second };
    await setPin({ ...target, at: '2025-01-01T00:00:00Z' }, true);
    await recordVerified(target, { at: 1_750_000_000_000, sound: true });
    let listed: Ended | undefined;
    expect(await manifestsRead(async () => (listed = await run('list')))).toBe(0);
    expect(listed?.stdout.split('\n').find((line) => line.startsWith(second))).toContain(
      'complete, verified, pinned',
    );
    const info = documentSchemas.info.parse(
      JSON.parse((await run('info', second, '--json')).stdout),
    );
    expect([info.state, info.pinned, info.verified]).toEqual([
      'verified',
      true,
      { at: 1_750_000_000_000, sound: true },
    ]);
  });

  it('find atoms by a pattern', async () => {
    const [table, json, none] = await Promise.all([
      run('find', 'controller/*/juju', '--versions', '2', '--host', '0'),
      run('find', 'files', '--older-than', '2025-01-01T07:00:00Z', '--json'),
      run('find', 'nothing'),
    ]);
    expect(table.stdout.trimEnd().split('\n').slice(1)).toEqual([
      expect.stringMatching(
        `^controller/machine-0-controller/juju +${newest} .*machine-0 +complete$`,
      ),
      expect.stringMatching(
        `^controller/machine-0-controller/juju +${second} .*machine-0 +verified$`,
      ),
    ]);
    const document = documentSchemas.find.parse(JSON.parse(json.stdout));
    expect(document.backups.map(({ id }) => id)).toEqual(ids.slice(0, 2).toReversed());
    expect(document.backups[0]?.datasets[0]?.atoms).toEqual([
      { name: 'files', path: 'controller/machine-0-controller/files' },
    ]);
    expect(none).toMatchObject({ status: 0, stdout: '', stderr: 'no backup holds nothing\n' });
  });

  it('find entries of the archives, and name those that cannot be searched', async () => {
    const json = await run(
      'find',
      '**/statuseshistory.bson',
      '--entries',
      '--host',
      'host-0',
      '--json',
    );
    const lines = json.stdout.trimEnd().split('\n');
    const found = lines.map((line) => lineSchemas.entry.parse(JSON.parse(line)));
    expect(found.map(({ backupId, path }) => [backupId, path])).toEqual([
      [newest, 'juju-backup/dump/juju/statuseshistory.bson'],
    ]);
    const notices = json.stderr.trimEnd().split('\n');
    expect(notices.length).toBe(count - 1);
    expect(lineSchemas.notice.parse(JSON.parse(notices[0] ?? '')).message).toBe(
      `the INDEX of ${second} cannot be searched: [HF-ARCHIVE-001] ${archiveName} is damaged at line 1 of its INDEX: incorrect header check`,
    );
    expect(json.status).toBe(13);
    const host = await run('find', '/var/lib/juju', '--entries', '--quiet');
    const paths = host.stdout.trimEnd().split('\n');
    expect(paths).toContain(`${newest} /var/lib/juju/agents/machine-0/agent.conf`);
    expect(paths.every((line) => line.startsWith(`${newest} /var/lib/juju`))).toBe(true);
  });

  it('refuse what makes no sense', async () => {
    const refusals: [string[], string][] = [
      [['find', ''], 'PATTERN cannot match: it is empty'],
      [['find', 'a', '--versions', '0'], '--versions takes a number from 1, not 0'],
      [
        ['find', 'a', '--older-than', 'monday'],
        '--older-than takes a time such as 30d, or a date such as 2026-01-02, not monday',
      ],
    ];
    await Promise.all(
      refusals.map(async ([args, problem]) => {
        const { status, stdout, stderr } = await run(...args);
        expect([status, stdout]).toEqual([2, '']);
        expect(stderr).toBe(
          `error: [HF-USAGE-001] ${problem}\nhint: Run \`holdfast find --help\` for the arguments it takes.\n`,
        );
      }),
    );
  });

  it('have no catalog to rebuild where none is configured', async () => {
    const { status, stderr } = await run('catalog', 'rebuild');
    expect([status, stderr.split('\n')[0]]).toEqual([
      2,
      'error: [HF-CATALOG-002] there is no catalog to rebuild: catalog.type is storage',
    ]);
  });
});

describe('the same commands with a catalog in a MongoDB', () => {
  const place = (): string => set.target.hosts.join(',');

  it('ask the storage, and say so, until the catalog was rebuilt', async () => {
    const listed = await withCatalog('list', '--json');
    expect(documentSchemas.list.parse(JSON.parse(listed.stdout)).from).toBe('storage');
    const notice = lineSchemas.notice.parse(JSON.parse(listed.stderr));
    expect(notice.message).toBe(
      `the catalog at ${place()} does not know storage attic: this is from the storage itself; holdfast catalog rebuild enters it`,
    );
    const rebuilt = await withCatalog('catalog', 'rebuild', '--json');
    expect(documentSchemas['catalog rebuild'].parse(JSON.parse(rebuilt.stdout))).toEqual({
      v: 1,
      storage: 'attic',
      entered: count + 1,
      added: count + 1,
      removed: 0,
    });
    expect((await withCatalog('catalog', 'rebuild')).stdout).toBe(
      `${(count + 1).toLocaleString('en-US')} backups of storage attic are in the catalog: 0 new, 0 gone\n`,
    );
  });

  it('are answered by the catalog alone, with what the storage would say', async () => {
    const before = proxy.seen.length;
    const [listed, found, brief] = await Promise.all([
      withCatalog('list', '--json'),
      withCatalog('find', 'juju', '--json'),
      withCatalog('list', '--brief'),
    ]);
    expect(proxy.seen.length).toBe(before);
    const [direct, directFound] = await Promise.all([
      run('list', '--json'),
      run('find', 'juju', '--json'),
    ]);
    const answer = documentSchemas.list.parse(JSON.parse(listed.stdout));
    const { backups } = documentSchemas.list.parse(JSON.parse(direct.stdout));
    expect(answer).toEqual({ v: 1, storage: 'attic', from: 'catalog', backups });
    expect(brief.stdout).toBe(`${backups.map(({ id }) => id).join('\n')}\n`);
    const { from, ...rest } = documentSchemas.find.parse(JSON.parse(found.stdout));
    expect(from).toBe('catalog');
    const stored = JSON.parse(directFound.stdout) as unknown;
    expect({ ...rest, from: 'storage' }).toEqual(documentSchemas.find.parse(stored));
  });

  it('tell the catalog what they change', async () => {
    expect((await withCatalog('pin', newest)).status).toBe(0);
    const listed = await withCatalog('list');
    expect(listed.stdout.split('\n').find((line) => line.startsWith(newest))).toContain('pinned');
  });

  it('work from the storage alone, and say so, once the catalog is destroyed', async () => {
    await set.kill();
    const note = new RegExp(
      `^note: the catalog at ${place()} cannot be used: .*; this is from storage attic itself\n$`,
    );
    const [direct, listed, found, info] = await Promise.all([
      run('list'),
      withCatalog('list'),
      withCatalog('find', 'juju', '--versions', '1'),
      withCatalog('info', newest),
    ]);
    expect(listed.stderr).toMatch(note);
    expect([listed.status, listed.stdout]).toEqual([0, direct.stdout]);
    expect(found.stderr).toMatch(note);
    expect(found.stdout).toContain(newest);
    expect([info.status, info.stderr]).toEqual([0, '']);
    const [unpinned, rebuilt] = await Promise.all([
      withCatalog('unpin', newest),
      withCatalog('catalog', 'rebuild'),
    ]);
    expect(unpinned.status).toBe(0);
    expect(unpinned.stderr).toMatch(
      /^note: it is done, but the catalog was not told \(holdfast catalog rebuild makes up for it\): the catalog at \S+ cannot be used: /m,
    );
    expect([rebuilt.status, rebuilt.stdout]).toEqual([1, '']);
    expect(rebuilt.stderr).toMatch(/^error: \[HF-CATALOG-001\] /);
  });
});
