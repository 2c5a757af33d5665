import { isIndexEntry, type IndexFile } from '../../archive/index-line';
import { loadIndex, readIndex } from '../../archive/index-file';
import { filesBundle, innerPath } from '../../archive/paths';
import { readEntry, readSmallEntry, type ContentRange } from '../../archive/read-entry';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  archiveName,
  rangesOf,
  sampleArchive,
  seeded,
  sha256Of,
  streamOf,
  temporaryDirectory,
  type SampleArchive,
  refusalOf,
} from './sample-archive';

let directory: { path: string; remove(): Promise<void> };
let sample: SampleArchive;

beforeAll(async () => {
  directory = await temporaryDirectory();
  sample = await sampleArchive(directory.path);
});

afterAll(() => directory.remove());

async function content(line: IndexFile, bytes: Buffer, range?: ContentRange): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const options = range === undefined ? {} : { range };
  for await (const chunk of readEntry(line, rangesOf(bytes), {
    archive: archiveName,
    ...options,
  })) {
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function fileLine(path: string): Promise<IndexFile> {
  const entries = await loadIndex(streamOf(sample.index), { archive: archiveName });
  const line = entries.get(path);
  if (line?.type !== 'file') throw new Error(`${path} is no file`);
  return line;
}

test('every file of the archive is reached by one ranged read and is what was put in', async () => {
  let compared = 0;
  for await (const line of readIndex(streamOf(sample.index, 50), { archive: archiveName })) {
    if (line.type !== 'file') continue;
    const read = await content(line, sample.bytes);
    expect(sha256Of(read)).toBe(line.sha256);
    const put = sample.contents.get(line.path);
    if (put === undefined) continue;
    expect(read.equals(put)).toBe(true);
    compared += 1;
  }
  expect(compared).toBe(sample.contents.size);
});

test('files inside root.tar are reached the same way', async () => {
  const line = await fileLine(innerPath('var/lib/juju/tools/2.9.21-ubuntu-amd64/jujud'));
  const onDisk = join(sample.runDirectory, 'host/var/lib/juju/tools/2.9.21-ubuntu-amd64/jujud');
  expect((await content(line, sample.bytes)).equals(await readFile(onDisk))).toBe(true);
});

test('any part of a big entry reads only the members it lies in', async () => {
  const path = 'juju-backup/dump/juju/statuseshistory.bson';
  const line = await fileLine(path);
  const whole = sample.contents.get(path) ?? Buffer.alloc(0);
  expect(line.members.length).toBeGreaterThan(3);
  const random = seeded(11);
  for (let trial = 0; trial < 50; trial += 1) {
    const start = Math.floor(random() * (whole.length + 1));
    const end = start + Math.floor(random() * (whole.length - start + 1));
    const part = await content(line, sample.bytes, { start, end });
    expect(part.equals(whole.subarray(start, end))).toBe(true);
  }
  let asked = 0;
  const counted = ({ start, end }: ContentRange): Promise<AsyncIterable<Uint8Array>> => {
    asked += end - start;
    return Promise.resolve(streamOf(sample.bytes.subarray(start, end)));
  };
  const range = { start: 4000, end: 4010 };
  for await (const part of readEntry(line, counted, { archive: archiveName, range })) {
    expect(part).toHaveLength(10);
  }
  expect(asked).toBe(line.members[1]?.[0]);
});

test('a range outside the content is a RangeError', async () => {
  const line = await fileLine('juju-backup/metadata.json');
  await expect(content(line, sample.bytes, { start: 0, end: line.size + 1 })).rejects.toThrow(
    RangeError,
  );
});

test('a damaged entry is named, and its neighbours can still be read', async () => {
  const path = 'juju-backup/dump/juju/statuseshistory.bson';
  const line = await fileLine(path);
  const bytes = Buffer.from(sample.bytes);
  const at = line.stored.offset + Math.floor(line.stored.length / 2);
  bytes[at] = (bytes[at] ?? 0) ^ 0xff;
  const refusal = await refusalOf(() => content(line, bytes));
  expect(refusal.code).toBe('HF-ARCHIVE-001');
  expect(refusal.params['where']).toContain(path);
  const other = await fileLine('juju-backup/metadata.json');
  expect(await content(other, bytes)).toEqual(Buffer.from('{"ID":""}\n'));
});

test('a storage that gives too little or too much is told apart from a failing one', async () => {
  const line = await fileLine('juju-backup/metadata.json');
  const options = { archive: archiveName, limit: 1000 };
  const short = readSmallEntry(
    line,
    ({ start, end }) => Promise.resolve(streamOf(sample.bytes.subarray(start, end - 1))),
    options,
  );
  await expect(short).rejects.toMatchObject({ code: 'HF-ARCHIVE-001' });
  const failing = readSmallEntry(line, () => Promise.reject(new Error('no route')), options);
  await expect(failing).rejects.toThrow('no route');
  const large = readSmallEntry(line, rangesOf(sample.bytes), { archive: archiveName, limit: 3 });
  await expect(large).rejects.toMatchObject({ code: 'HF-ARCHIVE-002' });
});

test('the lines of INDEX cover every byte of the archive, in order, without a gap', async () => {
  let end = 0;
  let last = -1;
  let tar = 0;
  for await (const line of readIndex(streamOf(sample.index), { archive: archiveName })) {
    const inner = line.path.includes('!/');
    if (inner || !('stored' in line)) continue;
    tar += line.size;
    for (let n = 0, offset = line.stored.offset; n < line.members.length; n += 1) {
      if (offset !== last) {
        expect(offset).toBe(end);
        last = offset;
        end = offset + (line.members[n]?.[0] ?? 0);
      }
      offset += line.members[n]?.[0] ?? 0;
    }
  }
  expect(end).toBe(sample.bytes.length);
  expect(tar).toBe(sample.rope.content);
});

test('an index tells entries from headers, and root.tar from what is in it', async () => {
  const kinds = new Set<string>();
  for await (const line of readIndex(streamOf(sample.index), { archive: archiveName })) {
    kinds.add(isIndexEntry(line) ? 'entry' : line.type);
  }
  expect(kinds).toEqual(new Set(['entry', 'header', 'padding', 'trailer']));
  const entries = await loadIndex(streamOf(sample.index), { archive: archiveName });
  expect(entries.get(filesBundle)?.type).toBe('file');
  expect(entries.get(innerPath('var/lib/juju/tools/machine-0'))).toMatchObject({
    type: 'symlink',
    link: '/var/lib/juju/tools/2.9.21-ubuntu-amd64',
  });
});
