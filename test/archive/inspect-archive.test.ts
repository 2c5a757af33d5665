import { gzipSync } from 'node:zlib';
import type { HoldfastError } from '../../core/errors';
import { readIndex } from '../../archive/index-file';
import type { IndexLine } from '../../archive/index-line';
import { filesBundle, pathInBundle } from '../../archive/paths';
import { inspectArchive } from '../../archive/inspect-archive';
import type { ArchiveTotals } from '../../archive/inspect-rope';
import {
  archiveName,
  digestOf,
  refusalOf,
  sampleArchive,
  seeded,
  streamOf,
  temporaryDirectory,
  type SampleArchive,
} from './sample-archive';

let directory: { path: string; remove(): Promise<void> };
let sample: SampleArchive;

beforeAll(async () => {
  directory = await temporaryDirectory();
  sample = await sampleArchive(directory.path);
});

afterAll(() => directory.remove());

/** Inspects given archive bytes against the sample's MANIFEST and INDEX. */
function inspect(bytes: Buffer): Promise<ArchiveTotals> {
  return inspectArchive({
    archive: archiveName,
    bytes: streamOf(bytes),
    expect: { size: sample.inspection.size, sha256: sample.inspection.sha256 },
    index: streamOf(sample.index),
    expectIndex: sample.inspection.index,
  });
}

function problemWith(bytes: Buffer): Promise<HoldfastError> {
  return refusalOf(() => inspect(bytes));
}

const namesSomething = /juju-backup(\/|\b)|the end of the tar|byte \d+/;

test('an archive as it was made passes, with the totals its making counted', async () => {
  const totals = await inspect(sample.bytes);
  const { index, ...made } = sample.inspection;
  expect(totals).toEqual(made);
  expect(index).toEqual(digestOf(sample.index));
  expect(totals.documents).toBe(208);
  expect(totals.size).toBe(sample.bytes.length);
});

/** Names of everything that INDEX says lies in the member that byte `at` belongs to. */
async function namesAt(at: number): Promise<string[]> {
  const names: string[] = [];
  for await (const line of readIndex(streamOf(sample.index), { archive: archiveName })) {
    if (!('stored' in line)) continue;
    const { offset, length } = line.stored;
    if (at < offset || at >= offset + length) continue;
    names.push(line.path === '' ? 'the end of the tar' : line.path);
  }
  return names;
}

test('a byte flipped anywhere is found, and an entry it belongs to is named', async () => {
  const random = seeded(20261121);
  for (let trial = 0; trial < 200; trial += 1) {
    const bytes = Buffer.from(sample.bytes);
    const at = Math.floor(random() * bytes.length);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(random() * 8));
    const problem = await problemWith(bytes);
    expect([at, problem.code]).toEqual([at, 'HF-ARCHIVE-001']);
    const named = String(problem.params['where']).replace(/ \(byte \d+\)$/, '');
    // Headers inside root.tar have no line of their own: there the entry itself is named.
    const inner = pathInBundle(named) !== undefined;
    const names = await namesAt(at);
    expect(names).toContain(inner && !names.includes(named) ? filesBundle : named);
  }
});

test('an archive cut off anywhere is refused', async () => {
  const random = seeded(7);
  const cuts = [0, 1, sample.bytes.length - 1];
  while (cuts.length < 40) cuts.push(Math.floor(random() * sample.bytes.length));
  for (const cut of cuts) {
    const problem = await problemWith(sample.bytes.subarray(0, cut));
    expect(problem.code).toBe('HF-ARCHIVE-001');
    expect(String(problem.params['where'])).toMatch(namesSomething);
  }
});

test('members dropped, doubled or swapped are refused with the entry named', async () => {
  const offsets: number[] = [];
  let offset = 0;
  for (const segment of sample.rope.segments) {
    offsets.push(offset);
    offset += segment.stored;
  }
  const members = sample.rope.segments.map((segment, n) => {
    const start = offsets[n] ?? 0;
    return sample.bytes.subarray(start, start + segment.stored);
  });
  for (let n = 0; n < members.length; n += 1) {
    const before = members.slice(0, n);
    const [member, following] = members.slice(n, n + 2);
    const after = members.slice(n + 2);
    if (member === undefined) continue;
    const rest = following === undefined ? [] : [following];
    const variants = [
      [...before, ...rest, ...after],
      [...before, member, member, ...rest, ...after],
      ...(following === undefined ? [] : [[...before, following, member, ...after]]),
    ];
    for (const variant of variants) {
      const problem = await problemWith(Buffer.concat(variant));
      expect(problem.code).toBe('HF-ARCHIVE-001');
      expect(String(problem.params['where'])).toMatch(namesSomething);
    }
  }
});

test('bytes behind the archive are refused', async () => {
  for (const tail of [Buffer.alloc(1), Buffer.alloc(512), sample.bytes]) {
    const problem = await problemWith(Buffer.concat([sample.bytes, tail]));
    expect(problem.code).toBe('HF-ARCHIVE-001');
  }
});

test('a damaged INDEX is refused', async () => {
  const random = seeded(5);
  for (let trial = 0; trial < 60; trial += 1) {
    const index = Buffer.from(sample.index);
    const at = Math.floor(random() * index.length);
    index[at] = (index[at] ?? 0) ^ (1 << Math.floor(random() * 8));
    const inspected = inspectArchive({
      archive: archiveName,
      bytes: streamOf(sample.bytes),
      expect: { size: sample.inspection.size, sha256: sample.inspection.sha256 },
      index: streamOf(index, 97),
      expectIndex: sample.inspection.index,
    });
    await expect(inspected).rejects.toMatchObject({ code: 'HF-ARCHIVE-001' });
  }
});

type Rewrite = (line: IndexLine, number: number) => IndexLine[];

const shifted = (line: IndexLine, by: number): IndexLine =>
  'stored' in line
    ? { ...line, stored: { ...line.stored, offset: line.stored.offset + by } }
    : line;

test.each<[string, Rewrite]>([
  ['begins too late', (line) => [shifted(line, 1)]],
  ['leaves a gap', (line, number) => [number < 20 ? line : shifted(line, 5)]],
  ['leaves out an entry', (line) => (line.path === 'juju-backup/dump/oplog.bson' ? [] : [line])],
  ['leaves out a file of root.tar', (line) => (line.path.endsWith('jujud') ? [] : [line])],
  [
    'leaves out a padding',
    (line, number) => (line.type === 'padding' && number < 40 ? [] : [line]),
  ],
  ['ends before the tar', (line) => (line.type === 'trailer' ? [] : [line])],
  ['goes on after the tar', (line) => (line.type === 'trailer' ? [line, line] : [line])],
  ['knows another mode', (line) => ['mode' in line ? { ...line, mode: line.mode ^ 1 } : line]],
  ['knows another time', (line) => ['mtime' in line ? { ...line, mtime: line.mtime + 1 } : line]],
  ['knows another link', (line) => [line.type === 'symlink' ? { ...line, link: '/x' } : line]],
  [
    'knows another content',
    (line) => [line.type === 'file' ? { ...line, sha256: '0'.repeat(64) } : line],
  ],
  [
    'knows another place',
    (line) => ['skip' in line && line.skip > 0 ? { ...line, skip: line.skip - 1 } : line],
  ],
])('an INDEX that %s is refused though MANIFEST vouches for it', async (_, rewrite) => {
  const text: string[] = [];
  let number = 0;
  for await (const line of readIndex(streamOf(sample.index), { archive: archiveName })) {
    for (const written of rewrite(line, number)) text.push(`${JSON.stringify(written)}\n`);
    number += 1;
  }
  const index = gzipSync(text.join(''));
  const refusal = await refusalOf(() =>
    inspectArchive({
      archive: archiveName,
      bytes: streamOf(sample.bytes),
      expect: { size: sample.inspection.size, sha256: sample.inspection.sha256 },
      index: streamOf(index),
      expectIndex: digestOf(index),
    }),
  );
  expect(refusal.code).toBe('HF-ARCHIVE-001');
});

test('an aborted inspection stops with the reason of the abort', async () => {
  const controller = new AbortController();
  const bytes = async function* (): AsyncGenerator<Uint8Array> {
    yield sample.bytes.subarray(0, 2000);
    controller.abort();
    yield sample.bytes.subarray(2000);
  };
  const inspected = inspectArchive({
    archive: archiveName,
    bytes: bytes(),
    expect: { size: sample.inspection.size, sha256: sample.inspection.sha256 },
    index: streamOf(sample.index),
    expectIndex: sample.inspection.index,
    signal: controller.signal,
  });
  await expect(inspected).rejects.toMatchObject({ name: 'AbortError' });
});

test('progress only grows and ends at the size of the archive', async () => {
  const seen: number[] = [];
  await inspectArchive({
    archive: archiveName,
    bytes: streamOf(sample.bytes),
    expect: { size: sample.inspection.size, sha256: sample.inspection.sha256 },
    index: streamOf(sample.index),
    expectIndex: sample.inspection.index,
    onProgress: ({ done, total }) => {
      expect(total).toBe(sample.bytes.length);
      seen.push(done);
    },
  });
  expect(seen).toEqual([...seen].sort((a, b) => a - b));
  expect(seen.at(-1)).toBe(sample.bytes.length);
});

test.each([
  ['nothing', Buffer.alloc(0)],
  ['zeros', Buffer.alloc(2000)],
  ['a zip', Buffer.from('PK\u0003\u0004'.padEnd(400, 'x'))],
])('%s in place of an INDEX is refused', async (_, index) => {
  const inspected = inspectArchive({
    archive: archiveName,
    bytes: streamOf(Buffer.alloc(100)),
    expect: digestOf(Buffer.alloc(100)),
    index: streamOf(index),
    expectIndex: digestOf(index),
  });
  await expect(inspected).rejects.toMatchObject({ code: 'HF-ARCHIVE-001' });
});
