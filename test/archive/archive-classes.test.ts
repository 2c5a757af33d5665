import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import {
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { pack, type Header } from 'tar-stream';
import {
  ArchiveData,
  ArchiveWorkspace,
  buildMetadata,
  canonicalArchivePaths,
  checksumFormat,
  getFilesToBackUp,
  markComplete,
  type ArchiveReading,
} from '../../client/archive';
import { emptyMetadata } from '../../archive/metadata';
import {
  archiveName,
  sampleArchive,
  sampleTime,
  streamOf,
  temporaryDirectory,
} from './sample-archive';

const fixture = join(__dirname, '../fixtures', archiveName);
/** SHA-1 of the fixture in base64, and its bytes, as another tool gives them. */
let checksum: string;
let size: number;
let place: Awaited<ReturnType<typeof temporaryDirectory>>;

beforeAll(async () => {
  const bytes = await readFile(fixture);
  checksum = createHash('sha1').update(bytes).digest('base64');
  size = bytes.length;
});
beforeEach(async () => {
  place = await temporaryDirectory();
});
afterEach(() => place.remove());

async function bytesOf(content: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of content) if (chunk instanceof Uint8Array) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** A .tar.gz as another program than ours writes it. */
async function tarGz(
  entries: readonly (Partial<Header> & {
    readonly name: string;
    readonly content?: Buffer | string;
  })[],
): Promise<Buffer> {
  const tar = pack();
  for (const { content, ...header } of entries) tar.entry(header, Buffer.from(content ?? ''));
  tar.finalize();
  return gzipSync(await bytesOf(tar));
}

async function bundled(
  entries: readonly (Partial<Header> & {
    readonly name: string;
    readonly content?: Buffer | string;
  })[],
) {
  const content = gunzipSync(await tarGz(entries));
  return tarGz([{ name: 'juju-backup/root.tar', content }]);
}

/** The same archive in memory and on disk. */
async function bothOf(archive: () => AsyncIterable<Uint8Array>): Promise<ArchiveReading[]> {
  const data = await ArchiveData.read(archive(), { name: 'a.tar.gz' });
  const options = { directory: place.path, name: 'a.tar.gz' };
  return [data, await ArchiveWorkspace.unpack(archive(), options)];
}

it('an archive that Juju made says the same in memory and on disk: what is in it, and who made it', async () => {
  for (const archive of await bothOf(() => createReadStream(fixture))) {
    expect(await archive.version()).toBe('2.9.21');
    expect(await archive.metadata()).toMatchObject({
      formatVersion: 1,
      version: '2.9.21',
      machine: '0',
      size: 0,
      checksum: '',
    });
    for (const path of ['/var/lib/juju/agents/machine-0/agent.conf', 'var/lib/juju/nonce.txt']) {
      expect((await bytesOf(await archive.openBundledFile(path))).length).toBeGreaterThan(0);
    }
    await expect(archive.openBundledFile('/etc/passwd')).rejects.toMatchObject({
      code: 'HF-ARCHIVE-006',
      params: { archive: 'a.tar.gz', entry: 'juju-backup/root.tar!/etc/passwd' },
    });
  }
});

it('its host files are unpacked as they were, and nothing that exists is written over', async () => {
  for (const [n, archive] of (await bothOf(() => createReadStream(fixture))).entries()) {
    const target = join(place.path, `host-${n}`);
    await mkdir(target);
    expect(await archive.unpackFilesBundle(target)).toBeGreaterThan(8);
    const conf = 'var/lib/juju/agents/machine-0/agent.conf';
    const expected = await bytesOf(await archive.openBundledFile(conf));
    expect(await readFile(join(target, conf))).toEqual(expected);
    expect((await stat(join(target, conf))).mode & 0o777).toBe(0o600);
    expect((await lstat(join(target, 'var/lib/juju/tools/machine-0'))).isSymbolicLink()).toBe(true);
    await expect(archive.unpackFilesBundle(target)).rejects.toMatchObject({
      code: 'HF-FILES-001',
      params: { action: 'unpacked' },
    });
    expect(await readFile(join(target, conf))).toEqual(expected);
  }
});

it('an archive that Holdfast made, of many gzip members, is read the same', async () => {
  const made = join(place.path, 'made');
  await mkdir(made);
  const { bytes } = await sampleArchive(made);
  for (const [n, archive] of (await bothOf(() => streamOf(bytes, 1000))).entries()) {
    const target = join(place.path, `host-${n}`);
    await mkdir(target);
    await archive.unpackFilesBundle(target);
    const juju = join(target, 'var/lib/juju');
    expect(await readlink(join(juju, 'tools/2.9.21-ubuntu-amd64/juju-run'))).toBe('jujud');
    expect((await stat(join(juju, 'nonce.txt'))).mtimeMs).toBe(sampleTime * 1000);
    expect((await readFile(join(juju, 'tools/2.9.21-ubuntu-amd64/jujud'))).length).toBe(70_000);
    if (archive instanceof ArchiveData) {
      expect(await bytesOf(archive.content())).toEqual(gunzipSync(bytes));
    }
  }
});

it('a workspace has the paths of an archive below its directory, for nobody else, until it is closed', async () => {
  const workspace = await ArchiveWorkspace.unpack(createReadStream(fixture), {
    directory: place.path,
  });
  const { paths, rootDir } = workspace;
  expect(canonicalArchivePaths().dbDumpDir).toBe('juju-backup/dump');
  expect(paths.dbDumpDir).toBe(join(rootDir, 'juju-backup/dump'));
  expect((await stat(rootDir)).mode & 0o777).toBe(0o700);
  expect((await stat(paths.filesBundle)).mode & 0o777).toBe(0o600);
  expect((await stat(paths.dbDumpDir)).mode & 0o777).toBe(0o700);
  expect(await readdir(paths.contentDir)).toEqual(['dump', 'metadata.json', 'root.tar']);
  await workspace.close();
  await workspace.close();
  expect(await readdir(place.path)).toEqual([]);
});

it('without metadata.json the version is 1.20, and there is no metadata', async () => {
  const old = await tarGz([{ name: 'juju-backup/environconfig.json', content: '{}' }]);
  for (const archive of await bothOf(() => streamOf(old, 100))) {
    expect(await archive.version()).toBe('1.20.0');
    await expect(archive.metadata()).rejects.toMatchObject({ code: 'HF-ARCHIVE-006' });
    await expect(archive.unpackFilesBundle(place.path)).rejects.toMatchObject({
      code: 'HF-ARCHIVE-006',
      params: { entry: 'juju-backup/root.tar' },
    });
  }
});

it.each([
  ['climbs', [{ name: '../evil', content: 'x' }]],
  ['is absolute', [{ name: '/tmp/evil', content: 'x' }]],
  [
    'goes through a link of the bundle',
    [
      { name: 'way', type: 'symlink', linkname: '/no/where' },
      { name: 'way/evil', content: 'x' },
    ],
  ],
  ['is a link that climbs', [{ name: 'way', type: 'symlink', linkname: '../../evil' }]],
  ['is a hard link', [{ name: 'way', type: 'link', linkname: 'etc/passwd' }]],
  ['is a device', [{ name: 'evil', type: 'character-device', devmajor: 1, devminor: 3 }]],
] as const)(
  'a host file whose name %s is refused, and nothing is outside',
  async (_what, entries) => {
    const bytes = await bundled(entries);
    for (const [n, archive] of (await bothOf(() => streamOf(bytes, 1000))).entries()) {
      const target = join(place.path, `target-${n}`);
      await mkdir(target);
      await expect(archive.unpackFilesBundle(target)).rejects.toMatchObject({
        code: 'HF-ARCHIVE-002',
      });
    }
    const found = await readdir(place.path, { recursive: true });
    expect(found.filter((name) => name.includes('evil'))).toEqual([]);
  },
);

it('what lies in the target leads nothing outside of it', async () => {
  const outside = join(place.path, 'outside');
  const target = join(place.path, 'target');
  await mkdir(outside);
  await mkdir(join(target, 'etc'), { recursive: true });
  await symlink(outside, join(target, 'var'));
  await symlink(join(outside, 'passwd'), join(target, 'etc/passwd'));
  const ways = [
    { name: 'var/evil', content: 'x' },
    { name: 'etc/passwd', content: 'x' },
  ];
  for (const way of ways) {
    const archive = new ArchiveData(gunzipSync(await bundled([way])));
    await expect(archive.unpackFilesBundle(target)).rejects.toMatchObject({ code: 'HF-FILES-001' });
  }
  expect(await readdir(outside)).toEqual([]);
});

it('an archive that is cut, or none, is refused, and its workspace is gone', async () => {
  const bytes = await readFile(fixture);
  const options = { directory: place.path, name: 'cut.tar.gz' };
  for (const damaged of [bytes.subarray(0, bytes.length / 2), Buffer.from('no gzip at all')]) {
    await expect(ArchiveWorkspace.unpack(streamOf(damaged, 1000), options)).rejects.toMatchObject({
      code: 'HF-ARCHIVE-001',
      params: { archive: 'cut.tar.gz' },
    });
    await expect(ArchiveData.read(streamOf(damaged, 1000), options)).rejects.toMatchObject({
      code: 'HF-ARCHIVE-001',
    });
  }
  const misplaced = await tarGz([{ name: 'etc/passwd', content: 'x' }]);
  await expect(ArchiveWorkspace.unpack(streamOf(misplaced, 99), options)).rejects.toMatchObject({
    code: 'HF-ARCHIVE-002',
  });
  const bomb = ArchiveData.read(streamOf(bytes, 1000), { limit: 1000 });
  await expect(bomb).rejects.toMatchObject({ code: 'HF-ARCHIVE-002' });
  expect(await readdir(place.path)).toEqual([]);
});

it('metadata is built of the file where there is no other, and completed once', async () => {
  const built = await buildMetadata(fixture);
  expect(built).toMatchObject({ size, checksum, checksumFormat, version: '9999.9999.9999' });
  expect(built).toMatchObject({ hostname: '<unknown>', started: '0001-01-01T00:00:00Z' });
  expect(Date.parse(built.finished) % 1000).toBe(0);
  const finished = new Date('2026-11-21T09:03:16.5Z');
  const done = markComplete(emptyMetadata({}), { size, checksum, finished });
  expect(done).toMatchObject({
    size,
    checksum,
    checksumFormat,
    finished: '2026-11-21T09:03:16.5Z',
  });
  expect(markComplete(done, { size, checksum, finished: new Date() })).toEqual(done);
  for (const wrong of [{ size: 0 }, { checksum: '' }, { size: 1 }, { checksum: 'x' }]) {
    expect(() => markComplete(done, { size, checksum, finished, ...wrong })).toThrow(RangeError);
  }
});

it('the files to back up are the files and links of the host, of one machine when that is asked', async () => {
  const juju = join(place.path, 'var/lib/juju');
  for (const name of ['tools/x', 'agents/machine-0', 'agents/machine-1', 'init']) {
    await mkdir(join(juju, name), { recursive: true });
  }
  await mkdir(join(place.path, 'home/ubuntu/.ssh'), { recursive: true });
  const files = [
    'home/ubuntu/.ssh/authorized_keys',
    'var/lib/juju/agents/machine-0/agent.conf',
    'var/lib/juju/agents/machine-1/agent.conf',
    'var/lib/juju/server.pem',
    'var/lib/juju/shared-secret',
    'var/lib/juju/system-identity',
    'var/lib/juju/tools/x/jujud',
  ].map((name) => join(place.path, name));
  for (const file of files) await writeFile(file, 'x');
  expect(await getFilesToBackUp({ root: place.path })).toEqual(files);
  expect(await getFilesToBackUp({ root: place.path, machine: '1' })).toEqual(
    files.filter((file) => !file.includes('machine-0')),
  );
});
