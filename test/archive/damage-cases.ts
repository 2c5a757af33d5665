import { readIndex } from '../../archive/index-file';
import { filesBundle } from '../../archive/paths';
import { archiveName, sha256Of, streamOf, type SampleArchive } from './sample-archive';

/** One way to harm an archive, and what must be named for it. */
export interface DamageCase {
  readonly name: string;
  readonly make: () => Buffer;
  /** First byte that is not what it was. */
  readonly at: number;
}

/** What INDEX says lies where in the archive. */
export interface Extent {
  readonly path: string;
  readonly from: number;
  readonly to: number;
}

export async function extentsOf(sample: SampleArchive): Promise<Extent[]> {
  const extents: Extent[] = [];
  for await (const line of readIndex(streamOf(sample.index), { archive: archiveName })) {
    if (!('stored' in line) || line.stored.length === 0) continue;
    const { offset, length } = line.stored;
    const path = line.path === '' ? 'the end of the tar' : line.path;
    extents.push({ path, from: offset, to: offset + length });
  }
  return extents;
}

/** Every byte once with one bit flipped; the bit goes round. */
export function* flips(bytes: Buffer): Generator<DamageCase> {
  for (let at = 0; at < bytes.length; at += 1) {
    const make = (): Buffer => {
      const copy = Buffer.from(bytes);
      copy[at] = (copy[at] ?? 0) ^ (1 << (at % 8));
      return copy;
    };
    yield { name: `bit ${at % 8} of byte ${at} flipped`, make, at };
  }
}

/** Cut off at every length. */
export function* truncations(bytes: Buffer): Generator<DamageCase> {
  for (let at = 0; at < bytes.length; at += 1) {
    yield { name: `cut off at byte ${at}`, make: () => bytes.subarray(0, at), at };
  }
}

/** Every gzip member left out, doubled, and swapped with the next. */
export function* memberDamages(sample: SampleArchive): Generator<DamageCase> {
  const { bytes, rope } = sample;
  const members: Buffer[] = [];
  let offset = 0;
  for (const { stored } of rope.segments) {
    members.push(bytes.subarray(offset, offset + stored));
    offset += stored;
  }
  const variant = (name: string, order: readonly (Buffer | undefined)[]): DamageCase => {
    const made = Buffer.concat(order.filter((each) => each !== undefined));
    return { name, make: () => made, at: firstDifference(bytes, made) };
  };
  for (const [n, member] of members.entries()) {
    const [before, after] = [members.slice(0, n), members.slice(n + 1)];
    yield variant(`member ${n} left out`, [...before, ...after]);
    yield variant(`member ${n} doubled`, [...before, member, member, ...after]);
    const [next, ...rest] = after;
    if (next === undefined || next.equals(member)) continue;
    yield variant(`members ${n} and ${n + 1} swapped`, [...before, next, member, ...rest]);
  }
}

function firstDifference(a: Buffer, b: Buffer): number {
  let at = 0;
  while (at < a.length && at < b.length && a[at] === b[at]) at += 1;
  return at;
}

/** `where` of an error without its byte. */
export function namedIn(where: unknown): string {
  return String(where).replace(/ \(byte \d+\)$/, '');
}

/** Whether the name is that of something that lies in the member which byte `at` belongs to. */
export function isRightName(extents: readonly Extent[], at: number, named: string): boolean {
  const there = extents.filter(({ from, to }) => at >= from && at < to).map(({ path }) => path);
  if (there.includes(named)) return true;
  // Headers inside root.tar have no line of their own: there the entry itself is named.
  return named.startsWith(`${filesBundle}!/`) && there.includes(filesBundle);
}

/** A file as MANIFEST describes it. */
export function describe(bytes: Buffer): { size: number; sha256: string } {
  return { size: bytes.length, sha256: sha256Of(bytes) };
}
