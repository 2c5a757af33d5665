import { createHash } from 'node:crypto';
import { isHoldfastError, type HoldfastError } from '../../core/errors';
import { inspectArchive } from '../../archive/inspect-archive';
import type { IndexFile } from '../../archive/index-line';
import { readEntry, type ContentRange } from '../../archive/read-entry';
import { isRightName, namedIn, type Extent } from './damage-cases';
import { largeArchive, type LargeArchive } from './large-archive';
import { archiveName, refusalOf, streamOf, temporaryDirectory } from './sample-archive';
import {
  damageKinds,
  rangesOfPieces,
  seededDamage,
  streamOfPieces,
  type SeededDamage,
} from './seeded-damage';

const seed = Number(process.env['HOLDFAST_DAMAGE_SEED'] ?? 2026);
const only = process.env['HOLDFAST_DAMAGE_PLACE'];
const places = Array.from({ length: 1_000 }, (_, number) => number).filter(
  (number) => only === undefined || number === Number(only),
);
/** Whole inspections of all places take minutes; without it 50 places have one, of every kind. */
const fullSweep = process.env['HOLDFAST_FULL_SWEEP'] === '1' || only !== undefined;
const inspected = fullSweep
  ? places
  : places.filter((number) => Math.floor(number / damageKinds.length) % 20 === 0).slice(0, 50);

let directory: { path: string; remove(): Promise<void> };
let archive: LargeArchive;
let extents: readonly Extent[];

beforeAll(async () => {
  directory = await temporaryDirectory();
  archive = await largeArchive(directory.path);
  extents = archive.lines.flatMap((line) => {
    if (!('stored' in line) || line.stored.length === 0) return [];
    const { offset, length } = line.stored;
    const path = line.path === '' ? 'the end of the tar' : line.path;
    return [{ path, from: offset, to: offset + length }];
  });
});
afterAll(() => directory.remove());

/** What to say of a place where something was wrong. */
function missed({ number, kind, at }: SeededDamage, problem: string): string {
  const again = `HOLDFAST_DAMAGE_SEED=${seed} HOLDFAST_DAMAGE_PLACE=${number} npx jest test/archive/large-damage.test.ts`;
  return `${kind} at byte ${at}: ${problem}; again: ${again}`;
}

function inspect({ pieces }: Pick<SeededDamage, 'pieces'>): ReturnType<typeof inspectArchive> {
  const { inspection, index } = archive;
  return inspectArchive({
    archive: archiveName,
    bytes: streamOfPieces(pieces),
    expect: { size: inspection.size, sha256: inspection.sha256 },
    index: streamOf(index, 64 * 1024),
    expectIndex: inspection.index,
  });
}

describe(`1,000 places of seed ${seed} in an archive of 65 MB`, () => {
  test('the archive is large, in many members, and whole', async () => {
    expect(archive.bytes.length).toBeGreaterThan(64e6);
    expect(archive.rope.segments.length).toBeGreaterThan(300);
    expect(await inspect({ pieces: [archive.bytes] })).toMatchObject({
      size: archive.bytes.length,
    });
  });

  test('what INDEX finds in a harmed place is refused by its name, or is what was stored', async () => {
    const wrong: string[] = [];
    let refused = 0;
    for (const number of places) {
      const damage = seededDamage(archive, seed, number);
      const problems = await Promise.all(
        filesAt(damage.at).map(async (line) => {
          const found = await readPlace(line, damage);
          if (found === 'refused') refused += 1;
          else if (found !== 'as it was') return `${line.path}: ${found}`;
          return undefined;
        }),
      );
      if (!storedDigestsDiffer(damage)) problems.push('the digests in INDEX fit');
      wrong.push(...problems.flatMap((each) => (each === undefined ? [] : [missed(damage, each)])));
    }
    expect(wrong).toEqual([]);
    if (only === undefined) expect(refused).toBeGreaterThan(places.length / 2);
  });

  test(
    `a whole inspection finds and names what lies in ${inspected.length} of them`,
    async () => {
      const wrong: string[] = [];
      for (const number of inspected) {
        const damage = seededDamage(archive, seed, number);
        const problem: HoldfastError = await refusalOf(() => inspect(damage));
        // What is behind the last byte is the end's.
        const place = Math.min(damage.at, archive.bytes.length - 1);
        const right = isRightName(extents, place, namedIn(problem.params['where']));
        if (problem.code === 'HF-ARCHIVE-001' && right) continue;
        wrong.push(missed(damage, problem.message));
      }
      expect(wrong).toEqual([]);
    },
    fullSweep ? 3_600_000 : 60_000,
  );
});

/** Files whose stored bytes hold a place: the outermost, and the last that begins in the same member. */
function filesAt(at: number): readonly IndexFile[] {
  const all = archive.lines.filter(
    (line): line is IndexFile =>
      line.type === 'file' &&
      at >= line.stored.offset &&
      at < line.stored.offset + line.stored.length,
  );
  return all.length > 2 ? [...all.slice(0, 1), ...all.slice(-1)] : all;
}

/** The part of a file's content that lies in the gzip member which holds a byte of the archive. */
function contentAt(line: IndexFile, at: number): ContentRange {
  let offset = line.stored.offset;
  let position = -line.skip;
  for (const [stored, content] of line.members) {
    if (at < offset + stored) {
      const clamp = (value: number): number => Math.min(line.size, Math.max(0, value));
      return { start: clamp(position), end: clamp(position + content) };
    }
    offset += stored;
    position += content;
  }
  throw new Error(`INDEX does not say what lies at byte ${at}`);
}

/** Content of a file, or a range of it. */
async function read(
  line: IndexFile,
  range: ContentRange | undefined,
  pieces: readonly Buffer[],
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const options = { archive: archiveName, ...(range === undefined ? {} : { range }) };
  for await (const chunk of readEntry(line, rangesOfPieces(pieces), options)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/**
 * Reads the member that was harmed as a reader of one file would. A flag or time in a gzip header can
 * change and the content be as it was: then only a whole inspection finds it. A member in the place
 * of another is whole in itself: there the content's digest tells.
 */
async function readPlace(line: IndexFile, { kind, at, pieces }: SeededDamage): Promise<string> {
  const range = kind.startsWith('a member') ? undefined : contentAt(line, at);
  const found = await read(line, range, pieces).catch((error: unknown) => error);
  if (Buffer.isBuffer(found)) {
    const expected = await read(line, range, [archive.bytes]);
    return found.equals(expected) ? 'as it was' : 'other content';
  }
  if (!isHoldfastError(found, 'HF-ARCHIVE-001')) return String(found);
  return namedIn(found.params['where']) === line.path ? 'refused' : found.message;
}

/** Whether the range of the smallest line of INDEX that holds the place has another digest than it says. */
function storedDigestsDiffer({ at, pieces }: SeededDamage): boolean {
  const holders = archive.lines.flatMap((line) =>
    'stored' in line && at >= line.stored.offset && at < line.stored.offset + line.stored.length
      ? [line.stored]
      : [],
  );
  const smallest = holders.toSorted((a, b) => a.length - b.length)[0];
  // An archive with something more behind its end has another size.
  if (smallest === undefined) return at >= archive.bytes.length;
  const hash = createHash('sha256');
  let offset = 0;
  const end = smallest.offset + smallest.length;
  for (const piece of pieces) {
    const part = piece.subarray(Math.max(0, smallest.offset - offset), Math.max(0, end - offset));
    hash.update(part);
    offset += piece.length;
  }
  return hash.digest('hex') !== smallest.sha256;
}
