import { lstat, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { openMember } from '../../archive/gzip-members';
import { serializeManifest } from '../../archive/manifest';
import { findBackup } from '../../catalog/storage-catalog';
import { downloadArchive, type Downloaded, type DownloadOptions } from '../../client/download';
import { indexName, manifestName, type BackupStorage } from '../../storage/contract';
import { openFileStorage } from '../../storage/file-storage';
import {
  archiveName,
  digestOf,
  refusalOf,
  sampleArchive,
  sha256Of,
  temporaryDirectory,
  type SampleArchive,
} from '../archive/sample-archive';
import { manifestOf } from '../catalog/stored-backup';

const controller = '11111111-2222-4333-8444-555555555555';
const id = `20261121-090316.${controller}`;

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let sample: SampleArchive;
let storage: BackupStorage;
let target: string;

const part = (): string => `${target}.part`;

async function download(options: DownloadOptions = {}): Promise<Downloaded> {
  const found = await findBackup({ storage, controller }, id);
  return downloadArchive(storage, found, { path: target, ...options });
}

/** Changes a byte of what the storage holds. */
async function damageStored(at: number): Promise<void> {
  const path = join(directory.path, 'storage', controller, id, archiveName);
  const bytes = await readFile(path);
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
  await writeFile(path, bytes);
}

beforeEach(async () => {
  directory = await temporaryDirectory();
  sample = await sampleArchive(directory.path);
  target = join(directory.path, 'copy.tar.gz');
  storage = openFileStorage({ name: 'attic', path: join(directory.path, 'storage') });
  const { bytes, index, inspection } = sample;
  const handle = await storage.startBackup(controller, id, 'run');
  await handle.putFile(archiveName, bytes);
  await handle.putFile(indexName, index);
  const content = { ...digestOf(bytes), sha1Base64: inspection.sha1Base64 };
  const file = { name: archiveName, host: 'machine-0', content, stored: digestOf(bytes) };
  const manifest = manifestOf(id, {
    files: [{ ...file, compression: 'gzip', encryption: null }],
    index: { name: indexName, ...digestOf(index) },
  });
  await handle.putFile(manifestName, serializeManifest(manifest), { ifAbsent: true });
});
afterEach(() => directory.remove());

test('an archive is fetched whole, readable by its owner alone, with nothing left beside it', async () => {
  const found = await download();
  expect(found).toEqual({ v: 1, id, file: target, ...digestOf(sample.bytes), resumed: 0 });
  expect((await readFile(target)).equals(sample.bytes)).toBe(true);
  expect((await lstat(target)).mode & 0o777).toBe(0o600);
  expect(await readdir(directory.path)).not.toContain('copy.tar.gz.part');
});

test('into a directory it gets its own name', async () => {
  const found = await download({ path: directory.path });
  expect(found.file).toBe(join(directory.path, archiveName));
});

test.each([0, 1, 700, 5_000, -1])('an interrupted one goes on behind byte %d', async (at) => {
  const length = at === -1 ? sample.bytes.length : at;
  await writeFile(part(), sample.bytes.subarray(0, length));
  const found = await download();
  expect((await readFile(target)).equals(sample.bytes)).toBe(true);
  expect(found.resumed).toBeLessThanOrEqual(length);
  // Only what is left of the last member is fetched again.
  const longest = Math.max(...sample.rope.segments.map(({ stored }) => stored));
  expect(found.resumed).toBeGreaterThanOrEqual(length - longest);
});

test('what is wrong in an interrupted one is found, and fetched again from there', async () => {
  const half = Buffer.from(sample.bytes.subarray(0, 6_000));
  half.writeUInt8(half.readUInt8(3_000) ^ 1, 3_000);
  await writeFile(part(), half);
  const found = await download();
  expect(found.resumed).toBeLessThanOrEqual(3_000);
  expect((await readFile(target)).equals(sample.bytes)).toBe(true);
});

test('a beginning longer than the archive is cut', async () => {
  await writeFile(part(), Buffer.concat([sample.bytes, Buffer.from('more')]));
  await download();
  expect((await readFile(target)).equals(sample.bytes)).toBe(true);
});

test('a file that is there is not touched without force, and replaced with it', async () => {
  await writeFile(target, 'mine');
  const refusal = await refusalOf(() => download());
  expect(refusal.code).toBe('HF-LOCAL-001');
  expect(await readFile(target, 'utf8')).toBe('mine');
  await download({ force: true });
  expect((await readFile(target)).equals(sample.bytes)).toBe(true);
});

test('bytes that are not those of MANIFEST never become the file', async () => {
  await damageStored(4_000);
  const refusal = await refusalOf(() => download());
  expect(refusal.code).toBe('HF-STORAGE-009');
  expect(await readdir(directory.path)).not.toContain('copy.tar.gz');
});

test('a directory that is not there is named', async () => {
  const refusal = await refusalOf(() => download({ path: '/nowhere/copy.tar.gz' }));
  expect(refusal.code).toBe('HF-LOCAL-002');
  expect(refusal.message).toContain('/nowhere/copy.tar.gz');
});

test('rewritten it is one gzip member with the same content, and its digest is told', async () => {
  const found = await download({ singleMember: true });
  const bytes = await readFile(target);
  const content = gunzipSync(sample.bytes);
  expect((await openMember(bytes, content.length)).equals(content)).toBe(true);
  expect(found.sha256).toBe(sha256Of(bytes));
  await expect(openMember(sample.bytes, content.length)).rejects.toThrow('does not hold');
});

test('a damaged one is not rewritten', async () => {
  await damageStored(4_000);
  const refusal = await refusalOf(() => download({ singleMember: true }));
  expect(['HF-ARCHIVE-001', 'HF-STORAGE-009']).toContain(refusal.code);
  expect(await readdir(directory.path)).not.toContain('copy.tar.gz');
});
