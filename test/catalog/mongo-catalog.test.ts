import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serializeManifest } from '../../archive/manifest';
import { setPin, recordVerified } from '../../catalog/marks';
import { MongoCatalog, type CatalogStorage } from '../../catalog/mongo-catalog';
import { backupDatasets, selectAtoms, type FindRequest } from '../../catalog/find-atoms';
import { PathPattern } from '../../catalog/path-pattern';
import { rebuildCatalog, refreshEntry } from '../../catalog/rebuild';
import { listBackups } from '../../catalog/storage-catalog';
import { Secret } from '../../core/secret';
import { manifestName, type BackupStorage } from '../../storage/contract';
import { openFileStorage } from '../../storage/file-storage';
import { freePort } from '../mongo/mongod';
import { startReplicaSet, type TestReplicaSet } from '../mongo/replica-set';
import { refusal } from '../storage/refusal';
import { manifestOf, storeBackup } from './stored-backup';

const controller = '11111111-2222-4333-8444-555555555555';
const another = '99999999-2222-4333-8444-555555555555';
const idOf = (day: number, uuid = controller): string => `2025010${day}-120000.${uuid}`;
const as: CatalogStorage = { identity: 'host-0 file:/srv/backups', name: 'nas' };
const now = (): number => 1_750_000_000_000;

let set: TestReplicaSet;
let root: string;
let storage: BackupStorage;
let catalog: MongoCatalog;
let databases = 0;

function open(changes: Partial<ConstructorParameters<typeof MongoCatalog>[0]> = {}): MongoCatalog {
  const { hosts, replicaSet, tls, username = '', password } = set.target;
  const secret = password ?? new Secret('');
  return new MongoCatalog({
    hosts,
    replicaSet,
    ...(tls?.caFile === undefined ? {} : { tls: { caFile: tls.caFile } }),
    credentials: { username, password: () => Promise.resolve(secret) },
    database: `holdfast_catalog_${databases}`,
    timeout: 20_000,
    ...changes,
  });
}

const datasetOf = (id: string, atoms: readonly string[]) => ({
  id,
  source: 'controller',
  handler: 'controller',
  repository: 'nas',
  file: 'archive.tar.gz',
  atoms: [...atoms],
  totalFiles: 3,
  totalBytes: 4_000_000_000,
  bytesAdded: 5,
  durationMs: 6,
});

/** A complete one, one with two datasets and odd names, an incomplete, a damaged, and one of another controller. */
async function storeAll(): Promise<void> {
  const datasets = [datasetOf('machine-0-controller', ['files', 'juju'])];
  const odd = [datasetOf('$first', ['$juju', 'a.b']), ...datasets];
  const started = '2025-01-02T12:00:00.000Z';
  await storeBackup(storage, idOf(1), manifestOf(idOf(1), { datasets, notes: '$notes' }));
  await storeBackup(storage, idOf(2), manifestOf(idOf(2), { datasets: odd, started }));
  await storeBackup(storage, idOf(3), undefined);
  await storeBackup(storage, idOf(4), Buffer.from('{"format":'));
  const theirs = idOf(5, another);
  await storeBackup(storage, theirs, manifestOf(theirs, { datasets, purpose: 'safety' }));
}

const rebuild = () => rebuildCatalog({ storage }, catalog, as, now);

beforeAll(async () => {
  set = await startReplicaSet({ version: '4.4', auth: true });
});
afterAll(() => set.stop());
beforeEach(async () => {
  databases += 1;
  root = await mkdtemp(join(tmpdir(), 'holdfast-catalog-'));
  storage = openFileStorage({ name: 'nas', path: root });
  catalog = open();
});
afterEach(async () => {
  await catalog.close();
  await rm(root, { recursive: true });
});

describe('a catalog in a MongoDB', () => {
  it('knows nothing of a storage until it is rebuilt from it, and then all that the storage tells', async () => {
    await storeAll();
    expect(await catalog.knows(as)).toBe(false);
    expect(await catalog.list(as)).toEqual([]);
    expect(await rebuild()).toEqual({ entered: 5, added: 5, removed: 0 });
    expect(await catalog.knows(as)).toBe(true);
    const stored = await listBackups({ storage });
    const listed = await catalog.list(as);
    const told = listed.map(({ status, ...rest }) => ({ status, ...rest, error: undefined }));
    expect(told).toEqual(stored.map((backup) => ({ ...backup, error: undefined })));
    expect(listed.map(({ status }) => status)).toEqual([
      'complete',
      'complete',
      'incomplete',
      'damaged',
      'complete',
    ]);
    expect(await catalog.ids(as, another)).toEqual([idOf(5, another)]);
  });

  it('finds the same atoms as the storage alone', async () => {
    await storeAll();
    await rebuild();
    const summaries = await listBackups({ storage });
    const requests: Omit<FindRequest, 'pattern'>[] = [
      {},
      { numVersions: 1 },
      { olderThan: Date.parse('2025-01-02T00:00:00Z') },
      { host: 'host-0' },
      { host: 'host-9' },
    ];
    for (const text of ['juju', '$juju', 'controller/machine-0-controller', 'a.b', '*', 'none']) {
      for (const rest of requests) {
        const request = { ...rest, pattern: new PathPattern(text) };
        const found = await catalog.findAtoms(as, request);
        const stored = selectAtoms(backupDatasets(summaries), request);
        expect(found.map(timeless)).toEqual(stored.map(timeless));
      }
    }
    const found = await catalog.findAtoms(as, { pattern: new PathPattern('juju') }, another);
    expect(found.map(({ backup }) => backup.id)).toEqual([idOf(5, another)]);
  });

  it('is rebuilt again and again to the same, without what is gone', async () => {
    await storeAll();
    await rebuild();
    expect(await rebuild()).toEqual({ entered: 5, added: 0, removed: 0 });
    await storage.removeBackup(controller, idOf(1));
    await storage.removeBackup(controller, idOf(4));
    await storeBackup(storage, idOf(6), manifestOf(idOf(6)));
    expect(await rebuild()).toEqual({ entered: 4, added: 1, removed: 2 });
    expect(await catalog.list(as)).toEqual(await listBackups({ storage }));
  });

  it('keeps storages apart, though they hold the same', async () => {
    await storeAll();
    await rebuild();
    const other = { identity: 'host-1 file:/srv/backups', name: 'nas' };
    expect(await catalog.knows(other)).toBe(false);
    await rebuildCatalog({ storage }, catalog, other, now);
    await storage.removeBackup(controller, idOf(1));
    await rebuild();
    expect((await catalog.ids(as)).length).toBe(4);
    expect((await catalog.ids(other)).length).toBe(5);
  });

  it('takes a dataset for a backup that is there or not, and again in the place of itself', async () => {
    await storeAll();
    await rebuild();
    const pattern = new PathPattern('controller/**');
    const before = await catalog.findAtoms(as, { pattern });
    await refreshEntry({ storage, controller, id: idOf(2) }, catalog, as);
    await refreshEntry({ storage, controller, id: idOf(2) }, catalog, as);
    expect((await catalog.findAtoms(as, { pattern })).map(sorted)).toEqual(before.map(sorted));
    await catalog.remove(as, [idOf(2)]);
    await refreshEntry({ storage, controller, id: idOf(2) }, catalog, as);
    expect((await catalog.findAtoms(as, { pattern })).map(sorted)).toEqual(before.map(sorted));
  });

  it('is told of marks, of a backup that became complete, and of one that is gone', async () => {
    await storeAll();
    await rebuild();
    const target = { storage, controller, owner: 'run', id: idOf(1) };
    await setPin({ ...target, at: '2025-01-01T00:00:00Z' }, true);
    await recordVerified(target, { at: now(), sound: false });
    await refreshEntry({ storage, controller, id: idOf(1) }, catalog, as);
    const handle = await storage.resumeBackup(controller, idOf(3), 'run');
    const bytes = serializeManifest(manifestOf(idOf(3)));
    await handle.putFile(manifestName, bytes, { ifAbsent: true });
    await refreshEntry({ storage, controller, id: idOf(3) }, catalog, as);
    await storage.removeBackup(controller, idOf(4));
    await refreshEntry({ storage, controller, id: idOf(4) }, catalog, as);
    const listed = await catalog.list(as, controller);
    expect(
      listed.map(({ id, status, pinned, verified }) => [id, status, pinned, verified]),
    ).toEqual([
      [idOf(1), 'complete', true, { at: now(), sound: false }],
      [idOf(2), 'complete', false, undefined],
      [idOf(3), 'complete', false, undefined],
    ]);
    const found = await catalog.findAtoms(as, { pattern: new PathPattern('juju') }, controller);
    expect(found.map(({ backup }) => [backup.id, backup.pinned])).toEqual([
      [idOf(2), false],
      [idOf(1), true],
    ]);
  });

  it("says when nothing answers, when access is refused, and when an entry is another maker's", async () => {
    const port = await freePort();
    const nobody = open({ hosts: [`127.0.0.1:${port}`], timeout: 300 });
    const refused = await refusal(nobody.list(as));
    expect(refused.code).toBe('HF-CATALOG-001');
    expect(refused.message).toBe(
      `the catalog at 127.0.0.1:${port} cannot be used: connect ECONNREFUSED 127.0.0.1:${port}`,
    );
    const wrong = () => Promise.resolve(new Secret('wrong'));
    const stranger = open({ credentials: { username: 'machine-0', password: wrong } });
    expect((await refusal(stranger.ids(as))).message).toBe(
      `the catalog at ${catalog.place} cannot be used: Authentication failed.`,
    );
    await Promise.all([nobody.close(), stranger.close()]);
    const client = await set.client();
    const entries = client.db(`holdfast_catalog_${databases}`).collection('backups');
    await entries.insertOne({ storage: as.identity, id: 7 });
    expect((await refusal(catalog.list(as))).message).toMatch(
      /^the catalog at \S+ cannot be used: it holds an entry that cannot be read: id: /,
    );
  });

  it('works again once its server is back', async () => {
    await storeAll();
    await rebuild();
    await set.kill();
    const impatient = open({ timeout: 300 });
    expect((await refusal(impatient.list(as))).code).toBe('HF-CATALOG-001');
    await impatient.close();
    await set.restart();
    expect((await catalog.ids(as)).length).toBe(5);
  });
});

/** The same backup's times, however they are written. */
function timeless<T extends { backup: { started: string; finished: string } }>(found: T): T {
  const { started, finished } = found.backup;
  const iso = (text: string): string => new Date(text).toISOString();
  return { ...found, backup: { ...found.backup, started: iso(started), finished: iso(finished) } };
}

function sorted<T extends { datasets: readonly { id: string }[] }>(found: T): T {
  const datasets = found.datasets.toSorted((one, other) => (one.id < other.id ? -1 : 1));
  return { ...found, datasets };
}
