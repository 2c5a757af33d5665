import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { HoldfastError } from '../../core/errors';
import { inspectArchive } from '../../archive/inspect-archive';
import { parseManifest } from '../../archive/manifest';
import {
  extentsOf,
  flips,
  isRightName,
  memberDamages,
  namedIn,
  truncations,
  type DamageCase,
  type Extent,
} from './damage-cases';
import {
  archiveName,
  refusalOf,
  sampleArchive,
  streamOf,
  temporaryDirectory,
  type SampleArchive,
} from './sample-archive';

/** `HOLDFAST_FULL_SWEEP=1` tries every byte; without it every 7th, from another one each time. */
const stride = process.env['HOLDFAST_FULL_SWEEP'] === '1' ? 1 : 7;

let directory: { path: string; remove(): Promise<void> };
let sample: SampleArchive;
let extents: readonly Extent[];

beforeAll(async () => {
  directory = await temporaryDirectory();
  sample = await sampleArchive(directory.path, { documents: 60, pieceSize: 1500 });
  extents = await extentsOf(sample);
});
afterAll(() => directory.remove());

interface Pair {
  readonly bytes: Buffer;
  readonly index: Buffer;
}

function problemWith({ bytes, index }: Pair): Promise<HoldfastError> {
  return refusalOf(() =>
    inspectArchive({
      archive: archiveName,
      bytes: streamOf(bytes, 4000),
      expect: { size: sample.inspection.size, sha256: sample.inspection.sha256 },
      index: streamOf(index, 4000),
      expectIndex: sample.inspection.index,
    }),
  );
}

/** Cases that were not found, or under another name than that of what lies there. */
async function missed(cases: Iterable<DamageCase>, step: number): Promise<string[]> {
  const wrong: string[] = [];
  let number = 0;
  for (const { name, make, at } of cases) {
    number += 1;
    if (number % step !== 0) continue;
    const problem = await problemWith({ bytes: make(), index: sample.index });
    const named = namedIn(problem.params['where']);
    // What is behind the last byte is the end's.
    const place = Math.min(at, sample.bytes.length - 1);
    if (problem.code === 'HF-ARCHIVE-001' && isRightName(extents, place, named)) continue;
    wrong.push(`${name}: ${problem.message}`);
  }
  expect(number).toBeGreaterThan(10);
  return wrong;
}

test('a bit flipped in any byte is found, and what lies there is named', async () => {
  expect(await missed(flips(sample.bytes), stride)).toEqual([]);
});

test('an archive cut off anywhere is found, and what is missing first is named', async () => {
  expect(await missed(truncations(sample.bytes), stride)).toEqual([]);
});

test('a member left out, doubled or swapped is found, and what should be there is named', async () => {
  expect(await missed(memberDamages(sample), 1)).toEqual([]);
});

test('a bit flipped in any byte of INDEX is found, and so is any shorter INDEX', async () => {
  const { index, bytes } = sample;
  const undetected: string[] = [];
  let number = 0;
  for (const { name, make } of [...flips(index), ...truncations(index)]) {
    number += 1;
    if (number % stride !== 0) continue;
    const problem = await problemWith({ bytes, index: make() });
    if (problem.code !== 'HF-ARCHIVE-001') undetected.push(`${name}: ${problem.message}`);
    // The archive is whole: what is named must be INDEX.
    if (!/INDEX/.test(problem.message)) undetected.push(`${name} is blamed on ${problem.message}`);
  }
  expect(undetected).toEqual([]);
});

test('a bit flipped in any byte of MANIFEST is found, and so is any shorter MANIFEST', async () => {
  const manifest = await readFile(join(__dirname, '../fixtures/golden/manifest-1/MANIFEST'));
  expect(parseManifest(manifest, 'golden').kind).toBe('full');
  const undetected: string[] = [];
  for (const { name, make } of [...flips(manifest), ...truncations(manifest)]) {
    const problem = await refusalOf(() => parseManifest(make(), 'golden')).catch(() => undefined);
    if (problem?.code !== 'HF-MANIFEST-001') undetected.push(name);
  }
  expect(undetected).toEqual([]);
});

test('INDEX of another backup is found, and INDEX is what is named', async () => {
  const other = await temporaryDirectory();
  try {
    const another = await sampleArchive(other.path, { documents: 61, pieceSize: 1500 });
    const problem = await problemWith({ bytes: sample.bytes, index: another.index });
    expect(problem.code).toBe('HF-ARCHIVE-001');
    expect(problem.message).toContain('INDEX');
    const archive = await problemWith({ bytes: another.bytes, index: sample.index });
    expect(archive.code).toBe('HF-ARCHIVE-001');
  } finally {
    await other.remove();
  }
});
