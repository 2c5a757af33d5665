import { mkdtemp, readdir, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { manifestName, type BackupStorage } from '../../storage/contract';
import { openFileStorage } from '../../storage/file-storage';

let base: string;
let root: string;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'holdfast-storage-'));
  root = join(base, 'root');
});
afterEach(() => rm(base, { recursive: true }));

const open = (): BackupStorage => openFileStorage({ name: 'one', path: root });
const directory = 'controller';

async function tree(path: string): Promise<string[]> {
  return (await readdir(path, { recursive: true })).toSorted();
}

describe('a file storage after a crash', () => {
  it('finishes a removal that a crash interrupted', async () => {
    const storage = open();
    const handle = await storage.startBackup(directory, 'backup', 'run');
    await handle.putFile('a', Buffer.from('x'));
    const aside = join(root, directory, '.gone.backup');
    await rename(join(root, directory, 'backup'), aside);
    expect(await storage.listBackups(directory)).toEqual([]);
    await storage.abortBackup(directory, 'backup', 'run');
    expect(await tree(root)).toEqual([directory]);
  });

  it('brings a complete backup back that a crash left set aside', async () => {
    const storage = open();
    const handle = await storage.startBackup(directory, 'backup', 'run');
    await handle.putFile(manifestName, Buffer.from('{}'));
    await rename(join(root, directory, 'backup'), join(root, directory, '.gone.backup'));
    expect(await storage.sweep(directory, Number.MAX_SAFE_INTEGER)).toEqual([]);
    expect((await storage.scan(directory)).map(({ name }) => name)).toEqual(['backup']);
  });

  it('keeps nothing unfinished in a backup that is complete, whatever killed attempts left', async () => {
    const handle = await open().startBackup(directory, 'backup', 'run');
    const path = join(root, directory, 'backup');
    for (const name of ['MANIFEST.new', 'INDEX.new', 'a.tar.gz.1', '.owner.new']) {
      await writeFile(join(path, `.${name}.0123456789ab.part`), 'half');
    }
    await handle.putFile(manifestName, Buffer.from('{}'), { ifAbsent: true });
    expect(await readdir(path)).toEqual(['.owner', manifestName]);
    await writeFile(join(path, '.MANIFEST.new.ba9876543210.part'), 'half');
    expect(await handle.putFile(manifestName, Buffer.from('{}'), { ifAbsent: true })).toBe(
      'exists',
    );
    expect(await readdir(path)).toEqual(['.owner', manifestName]);
  });

  it('sweeps unfinished files of complete backups once nobody touches them', async () => {
    const storage = open();
    const handle = await storage.startBackup(directory, 'backup', 'run');
    const writer = await handle.addFile('lost');
    await writer.write(Buffer.from('half'));
    await handle.putFile(manifestName, Buffer.from('{}'));
    const path = join(root, directory, 'backup');
    const part = (await readdir(path)).find((name) => name.endsWith('.part')) ?? '';
    await utimes(join(path, part), 1000, 1000);
    expect(await storage.sweep(directory, 999_000)).toEqual([]);
    expect(await storage.sweep(directory, 1_001_000)).toEqual([`backup/${part}`]);
    expect((await readdir(path)).toSorted()).toEqual(['.owner', manifestName]);
    await writer.abort();
  });

  it('sweeps what a killed removal left', async () => {
    const storage = open();
    for (const name of ['backup', 'other']) {
      const handle = await storage.startBackup(directory, name, 'run');
      await handle.putFile('a', Buffer.from('x'));
    }
    // As a removal leaves it that is killed after the rename, with a part of the files gone.
    await rename(join(root, directory, 'backup'), join(root, directory, '.gone.backup'));
    const keep = (): boolean => true;
    expect(await storage.sweep(directory, Date.now() - 3_600_000, { keep })).toEqual([]);
    const later = Date.now() + 3_600_000;
    expect(await storage.sweep(directory, later, { keep })).toEqual(['.gone.backup']);
    expect(await readdir(join(root, directory))).toEqual(['other']);
  });
});
