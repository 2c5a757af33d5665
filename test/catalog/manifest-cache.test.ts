import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BackupSummary } from '../../catalog/backup-summary';
import { ManifestCache } from '../../catalog/manifest-cache';
import { recordVerified, setPin } from '../../catalog/marks';
import { listBackups } from '../../catalog/storage-catalog';
import { manifestName, type BackupStorage } from '../../storage/contract';
import { openFileStorage } from '../../storage/file-storage';
import { meterStorage } from '../../storage/metered-storage';
import { manifestOf, storeBackup } from './stored-backup';

const controller = '11111111-2222-4333-8444-555555555555';
const idOf = (day: number): string => `2025010${day}-120000.${controller}`;
const days = [1, 2, 3];

let root: string;
let path: string;
let storage: BackupStorage;
let reads: number;
let problems: string[];

function cacheOf(changes: { storage?: string; now?: number } = {}): ManifestCache {
  return new ManifestCache({
    path,
    storage: changes.storage ?? 'file:/nas',
    uid: process.geteuid?.() ?? 0,
    now: () => changes.now ?? Date.now(),
    onProblem: (problem) => problems.push(problem),
  });
}

/** The list, and how many files were read from the storage for it. */
async function list(cache = cacheOf()): Promise<{ reads: number; backups: BackupSummary[] }> {
  reads = 0;
  const backups = await listBackups({ storage, controller, cache });
  return { reads, backups };
}

async function cacheFile(): Promise<string> {
  const [name = ''] = await readdir(path);
  return join(path, name);
}

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'holdfast-cache-'));
  path = join(root, 'cache', 'manifests');
  problems = [];
  const meter = {
    call: (operation: string) => void (operation === 'readFile' && (reads += 1)),
    bytes: () => undefined,
  };
  const inner = openFileStorage({ name: 'nas', path: join(root, 'storage') });
  storage = meterStorage(inner, meter, () => performance.now());
  for (const day of days) await storeBackup(inner, idOf(day), manifestOf(idOf(day)));
});
afterEach(() => rm(root, { recursive: true }));

describe('the cache of MANIFESTs', () => {
  it('has each of them read once, and the list says the same', async () => {
    const cold = await list();
    expect(cold.reads).toBe(3);
    const warm = await list();
    expect(warm).toEqual({ ...cold, reads: 0 });
    expect(problems).toEqual([]);
  });

  it('has only new ones read, and forgets those that are gone', async () => {
    await list();
    await storeBackup(storage, idOf(4), manifestOf(idOf(4)));
    await storage.removeBackup(controller, idOf(1));
    const after = await list();
    expect(after.reads).toBe(1);
    expect(after.backups.map(({ id }) => id)).toEqual([2, 3, 4].map(idOf));
    const text = await readFile(await cacheFile(), 'utf8');
    expect(text).not.toContain(idOf(1));
    expect(text.trimEnd().split('\n').length).toBe(4);
  });

  it('never hides a mark: pinned, verified and damaged are seen at once', async () => {
    await list();
    const target = { storage, controller, owner: 'run' };
    await setPin({ ...target, id: idOf(1), at: '2025-01-01T00:00:00Z' }, true);
    await recordVerified({ ...target, id: idOf(2) }, { at: 1_750_000_000_000, sound: true });
    await recordVerified({ ...target, id: idOf(3) }, { at: 1_750_000_000_000, sound: false });
    const { reads: again, backups } = await list();
    expect(again).toBe(0);
    expect(backups.map(({ pinned, verified }) => [pinned, verified?.sound])).toEqual([
      [true, undefined],
      [false, true],
      [false, false],
    ]);
  });

  it('never hides that a MANIFEST was replaced or a file cut off', async () => {
    await list();
    const place = join(root, 'storage', controller);
    await writeFile(join(place, idOf(1), manifestName), 'not one');
    await writeFile(join(place, idOf(2), 'archive.tar.gz'), '');
    const { backups } = await list();
    expect(backups.map(({ status }) => status)).toEqual(['damaged', 'damaged', 'complete']);
  });

  it('is a file of mode 0600 in a directory of mode 0700, and nothing else is left', async () => {
    await list();
    expect((await stat(path)).mode & 0o777).toBe(0o700);
    expect((await readdir(path)).length).toBe(1);
    expect((await stat(await cacheFile())).mode & 0o777).toBe(0o600);
  });

  it.each<[string, (text: string) => string]>([
    ['empty', () => ''],
    ['garbage', () => '\u0000{]'.repeat(100)],
    ['cut off', (text) => text.slice(0, text.length - 100)],
    ['of another format', (text) => text.replace('cache/1', 'cache/2')],
    ['of another storage', (text) => text.replace('file:/nas', 'file:/san')],
    ['of another directory', (text) => text.replace(controller, controller.replace('1', '9'))],
    [
      'changed in a MANIFEST',
      (text) => text.replaceAll('before the upgrade', 'after the upgrade!'),
    ],
    [
      'swapped between backups',
      (text) => text.replaceAll(`"name":"${idOf(1)}"`, `"name":"${idOf(2)}"`),
    ],
  ])('that is %s is passed over and written anew', async (_, harm) => {
    const cold = await list();
    const file = await cacheFile();
    const text = await readFile(file, 'utf8');
    await writeFile(file, harm(text));
    const after = await list();
    expect(after.backups).toEqual(cold.backups);
    expect(after.reads).toBeGreaterThan(0);
    expect(await readFile(file, 'utf8')).toBe(text);
    expect((await list()).reads).toBe(0);
    expect(problems).toEqual([]);
  });

  it('that others can read is passed over and written anew', async () => {
    await list();
    await chmod(await cacheFile(), 0o644);
    expect((await list()).reads).toBe(3);
    expect((await stat(await cacheFile())).mode & 0o777).toBe(0o600);
  });

  it('keeps storages apart, and drops those that nobody asked for in 90 days', async () => {
    await list();
    const first = await cacheFile();
    expect((await list(cacheOf({ storage: 'file:/san' }))).reads).toBe(3);
    expect((await readdir(path)).length).toBe(2);
    const long = Date.now() / 1000 - 91 * 86_400;
    await utimes(first, long, long);
    await writeFile(join(path, 'somebody-elses'), '');
    await utimes(join(path, 'somebody-elses'), long, long);
    await list(cacheOf({ storage: 'file:/third' }));
    expect((await readdir(path)).length).toBe(3);
    expect(await readdir(path)).toContain('somebody-elses');
    await expect(stat(first)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('that cannot be written is told, and the list works', async () => {
    await mkdir(join(root, 'cache'));
    await writeFile(path, 'a file where the directory should be');
    expect((await list()).backups.length).toBe(3);
    expect(problems).toEqual([
      `the cache of MANIFESTs below ${path} cannot be read: ENOTDIR: not a directory, open '${await onlyFile()}'`,
      `the cache of MANIFESTs below ${path} cannot be written: EEXIST: file already exists, mkdir '${path}'`,
    ]);
  });
});

/** Where the file of this directory would lie. */
async function onlyFile(): Promise<string> {
  const elsewhere = join(root, 'elsewhere');
  const options = { storage: 'file:/nas', uid: 0, now: () => 0, onProblem: () => undefined };
  await new ManifestCache({ path: elsewhere, ...options }).write(controller, []);
  const [name = ''] = await readdir(elsewhere);
  return join(path, name);
}
