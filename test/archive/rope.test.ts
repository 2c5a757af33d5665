import { copyFile, open, readFile, readdir, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { inspectRope } from '../../archive/inspect-rope';
import { composeRope, type Rope, type RopeSource } from '../../archive/rope';
import { openRope, readRope, writeRope } from '../../archive/rope-file';
import { SegmentFile } from '../../archive/segment-file';
import {
  archiveName,
  attributes,
  directory as directoryAttributes,
  dumpOf,
  noise,
  sampleArchive,
  seeded,
  sha256Of,
  temporaryDirectory,
  type SampleArchive,
  refusalOf,
} from './sample-archive';
import { zlibOf } from './zlib-of';

let directory: { path: string; remove(): Promise<void> };
let sample: SampleArchive;

beforeAll(async () => {
  directory = await temporaryDirectory();
  sample = await sampleArchive(directory.path);
});

afterAll(() => directory.remove());

async function collected(rope: Rope, start: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of openRope(rope, directory.path, start)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

test('the same entries give the same archive, byte for byte', async () => {
  const other = await temporaryDirectory();
  try {
    const again = await sampleArchive(other.path);
    const trees = [sample, again].map(({ bundle }) => bundle.entries.map(({ path }) => path));
    expect(trees[0]).toEqual(trees[1]);
    const sources = (): RopeSource[] => [
      { ...directoryAttributes, path: 'juju-backup', type: 'directory' },
      { ...attributes, path: 'juju-backup/metadata.json', type: 'bytes', bytes: Buffer.from('{}') },
    ];
    const options = { runDirectory: other.path, compressor: zlibOf(6) };
    const first = await composeRope(sources(), { ...options, literalsFile: 'one' });
    const second = await composeRope(sources(), { ...options, literalsFile: 'two' });
    expect(second.segments.map(({ sha256 }) => sha256)).toEqual(
      first.segments.map(({ sha256 }) => sha256),
    );
  } finally {
    await other.remove();
  }
});

test('what stands between two spooled contents is one gzip member', () => {
  const files = sample.rope.segments.map((segment) => segment.file);
  for (let n = 1; n < files.length; n += 1) {
    expect([files[n - 1], files[n]]).not.toEqual(['literals-1', 'literals-1']);
  }
  expect(sample.rope.size).toBe(sample.bytes.length);
  expect(gunzipSync(sample.bytes)).toHaveLength(sample.rope.content);
});

test('composing and inspecting write the literals and INDEX, nothing else', async () => {
  expect((await readdir(directory.path)).sort()).toEqual(['INDEX', 'host', 'literals-1', 'seg-1']);
  for (const name of ['INDEX', 'literals-1', 'seg-1']) {
    expect((await stat(join(directory.path, name))).mode & 0o777).toBe(0o600);
  }
});

test('the rope reads the same from any offset', async () => {
  const random = seeded(4);
  const offsets = [0, 1, sample.bytes.length - 1, sample.bytes.length, sample.bytes.length + 5];
  while (offsets.length < 40) offsets.push(Math.floor(random() * sample.bytes.length));
  for (const start of offsets) {
    expect((await collected(sample.rope, start)).equals(sample.bytes.subarray(start))).toBe(true);
  }
});

test('chunks have 1 MiB and do not share memory', async () => {
  const other = await temporaryDirectory();
  try {
    const bytes = noise(6_000_000, 8);
    const path = 'juju-backup/holdfast/noise';
    const rope = await composeRope([{ ...attributes, path, type: 'bytes', bytes }], {
      runDirectory: other.path,
      literalsFile: 'l',
      compressor: zlibOf(1),
    });
    expect(rope.segments).toHaveLength(2);
    const chunks: Buffer[] = [];
    for await (const chunk of openRope(rope, other.path, 0)) chunks.push(chunk);
    expect(chunks.slice(0, -1).every((chunk) => chunk.length === 1024 * 1024)).toBe(true);
    expect(gunzipSync(Buffer.concat(chunks)).includes(bytes.subarray(0, 1000))).toBe(true);
    const inspection = await inspectRope(rope, {
      runDirectory: other.path,
      indexFile: 'INDEX',
      archive: archiveName,
    });
    expect(inspection.bytes).toBe(bytes.length);
  } finally {
    await other.remove();
  }
});

test('a rope written and read again is the same', async () => {
  const path = join(directory.path, 'host', 'rope.json');
  await writeRope(path, sample.rope);
  expect(await readRope(path)).toEqual(sample.rope);
  expect(await readdir(join(directory.path, 'host'))).not.toContain('rope.json.part');
});

test('the inspection computes size and digests of the archive', () => {
  const { size, sha256, sha1Base64 } = sample.inspection;
  expect({ size, sha256 }).toEqual({ size: sample.bytes.length, sha256: sha256Of(sample.bytes) });
  expect(sha1Base64).toBe(createHash('sha1').update(sample.bytes).digest('base64'));
});

test('a spool that changed after it was written is found, and the entry is named', async () => {
  const spool = join(directory.path, 'seg-1');
  const kept = join(directory.path, 'host', 'seg-kept');
  await copyFile(spool, kept);
  const path = 'juju-backup/dump/juju/statuseshistory.bson';
  const member = sample.rope.segments.filter(({ file }) => file === 'seg-1')[2];
  if (member === undefined) throw new Error('the sample has too few members');
  try {
    const handle = await open(spool, 'r+');
    await handle.write(Buffer.from([0xaa]), 0, 1, member.offset + 9);
    await handle.close();
    const options = { runDirectory: directory.path, archive: archiveName };
    const refusal = await refusalOf(() =>
      inspectRope(sample.rope, { ...options, indexFile: 'I-2' }),
    );
    expect(refusal.code).toBe('HF-ARCHIVE-001');
    expect(refusal.params['where']).toContain(path);
    await truncate(spool, member.offset + 3);
    await expect(inspectRope(sample.rope, { ...options, indexFile: 'I-3' })).rejects.toMatchObject({
      code: 'HF-ARCHIVE-001',
    });
    await expect(collected(sample.rope, 0)).rejects.toMatchObject({ code: 'HF-ARCHIVE-001' });
  } finally {
    await copyFile(kept, spool);
  }
  expect(sha256Of(await readFile(spool))).toBe(sha256Of(await readFile(kept)));
});

test.each<[string, RopeSource, string]>([
  [
    'documents that were not counted so',
    {
      ...attributes,
      path: 'juju-backup/dump/x.bson',
      type: 'bytes',
      bytes: dumpOf(3, 1),
      documents: 4,
    },
    'HF-ARCHIVE-001',
  ],
  [
    'a content that has another digest',
    {
      ...attributes,
      path: 'juju-backup/dump/x.bson',
      type: 'spooled',
      members: [],
      size: 0,
      sha256: '0'.repeat(64),
    },
    'HF-ARCHIVE-001',
  ],
  [
    'a dump that is no BSON',
    { ...attributes, path: 'juju-backup/dump/x.bson', type: 'bytes', bytes: Buffer.from('no') },
    'HF-ARCHIVE-001',
  ],
])('a rope with %s does not pass', async (_, source, code) => {
  const other = await temporaryDirectory();
  try {
    const options = { runDirectory: other.path, compressor: zlibOf(6) };
    const rope = await composeRope([source], { ...options, literalsFile: 'l' });
    const refusal = await refusalOf(() =>
      inspectRope(rope, { ...options, indexFile: 'INDEX', archive: archiveName }),
    );
    expect(refusal.code).toBe(code);
    expect(refusal.params['where']).toContain(source.path);
  } finally {
    await other.remove();
  }
});

test('a rope with a gzip member that holds nothing does not pass: INDEX could not name it', async () => {
  const other = await temporaryDirectory();
  try {
    const compressor = zlibOf(6);
    const segment = await SegmentFile.create(other.path, 'seg-1');
    const stored = await compressor.compress(Buffer.alloc(0));
    const empty = await segment.append({ stored, content: 0 });
    await segment.close();
    const path = 'juju-backup/dump/oplog.bson';
    const source = { ...attributes, path, type: 'spooled', members: [empty], size: 0 } as const;
    const options = { runDirectory: other.path, compressor };
    const rope = await composeRope([source], { ...options, literalsFile: 'l' });
    const refusal = await refusalOf(() =>
      inspectRope(rope, { ...options, indexFile: 'INDEX', archive: archiveName }),
    );
    expect(refusal.code).toBe('HF-ARCHIVE-001');
    expect(refusal.params['reason']).toBe('a gzip member holds nothing');
  } finally {
    await other.remove();
  }
});

test('an entry that the strict reader would refuse is refused when it is composed', async () => {
  const other = await temporaryDirectory();
  try {
    const options = { runDirectory: other.path, literalsFile: 'l', compressor: zlibOf(6) };
    const source = {
      ...attributes,
      path: 'juju-backup/x',
      type: 'bytes',
      bytes: Buffer.alloc(0),
    } as const;
    await expect(composeRope([source], options)).rejects.toMatchObject({ code: 'HF-ARCHIVE-004' });
  } finally {
    await other.remove();
  }
});
