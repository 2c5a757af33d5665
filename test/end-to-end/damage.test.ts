import { copyFile, cp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Site } from './site';
import { captureSite, journalState, siteDifferences, type SiteState } from './state';

describe('a damaged backup is refused before anything is touched', () => {
  let site: Site;
  let before: SiteState;
  let id: string;
  let directory: string;
  let kept: string;
  let other: string;
  let archive: string;

  beforeAll(async () => {
    site = await Site.start({ mongod: '6.0', seed: 61, size: 1_000_000 });
    await site.startWorkers();
    before = await captureSite(site);
    id = await site.create('good');
    const controller = join(site.example.storage, site.example.modelUuid);
    other = join(controller, await site.create('another'));
    directory = join(controller, id);
    kept = join(site.directory, 'kept');
    await cp(directory, kept, { recursive: true });
    archive = (await readdir(directory)).find((name) => name.endsWith('.tar.gz')) ?? '';
  });
  afterAll(() => site.stop());
  afterEach(async () => {
    await rm(directory, { recursive: true });
    await cp(kept, directory, { recursive: true });
  });

  async function flip(name: string, where: number): Promise<void> {
    const bytes = await readFile(join(directory, name));
    const at = Math.floor((bytes.length - 1) * where);
    bytes[at] = (bytes[at] ?? 0) ^ 4;
    await writeFile(join(directory, name), bytes);
  }

  const archiveDamage = /\[HF-ARCHIVE-001\] .* is damaged at /;
  const indexDamage = /\[HF-ARCHIVE-001\].*INDEX/;
  const manifestDamage = /\[HF-MANIFEST-001\]|\[HF-BACKUP-00\d\]/;

  it.each<[string, () => Promise<void>, RegExp]>([
    ['a bit of the archive flipped near its begin', () => flip(archive, 0.01), archiveDamage],
    ['a bit of the archive flipped in its last byte', () => flip(archive, 1), archiveDamage],
    [
      'the archive cut off',
      () => truncate(join(directory, archive), 20_000),
      /\[HF-STORAGE-009\] .*\.tar\.gz with 20000 bytes/,
    ],
    ['the archive gone', () => rm(join(directory, archive)), /\[HF-STORAGE-007\] .* has no file /],
    ['a bit of INDEX flipped', () => flip('INDEX', 0.5), indexDamage],
    ['INDEX gone', () => rm(join(directory, 'INDEX')), /\[HF-STORAGE-007\] .* has no file /],
    [
      'INDEX of another backup',
      () => copyFile(join(other, 'INDEX'), join(directory, 'INDEX')),
      /INDEX|\[HF-(BACKUP|MANIFEST)-00\d\]/,
    ],
    ['a bit of MANIFEST flipped', () => flip('MANIFEST', 0.4), manifestDamage],
    ['MANIFEST gone', () => rm(join(directory, 'MANIFEST')), manifestDamage],
    [
      'MANIFEST of another backup',
      () => copyFile(join(other, 'MANIFEST'), join(directory, 'MANIFEST')),
      manifestDamage,
    ],
  ])('%s', async (_, damage, message) => {
    await damage();
    for (const command of ['verify', 'restore']) {
      const { status, stderr } = await site.holdfast(
        command,
        id,
        ...(command === 'restore' ? ['--yes'] : []),
      );
      expect({ command, status, stderr }).toMatchObject({ command, status: 13 });
      expect(stderr).toMatch(message);
      expect(stderr).toContain('hint: ');
    }
    expect(await journalState(site)).toBeUndefined();
  });

  it('after all of them the controller is what it was, and the whole backup restores', async () => {
    expect(siteDifferences(before, await captureSite(site))).toEqual([]);
    expect((await site.leftovers()).filter((each) => !each.startsWith('storage '))).toEqual([]);
    expect(await site.holdfast('restore', id, '--yes')).toMatchObject({ status: 0 });
    expect(siteDifferences(before, await captureSite(site))).toEqual([]);
  });
});
