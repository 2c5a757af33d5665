import { SeededRandom } from '../../examples/controller/seeded-random';
import type { ReadRange } from '../../archive/read-entry';
import type { LargeArchive } from './large-archive';

/** What is done to an archive in one place. */
export const damageKinds = [
  'a bit flipped',
  'a byte zeroed',
  'cut off',
  '4 KiB from elsewhere',
  'a member left out',
  'a member doubled',
] as const;

export type DamageKind = (typeof damageKinds)[number];

/** An archive that was harmed in one place. */
export interface SeededDamage {
  readonly number: number;
  readonly kind: DamageKind;
  /** First byte that is not what it was. */
  readonly at: number;
  /** The archive as it is now, piece by piece: most of it is the whole one's own memory. */
  readonly pieces: readonly Buffer[];
}

const blockSize = 4096;

/**
 * Place `number` of a seed: the same whatever was tried before. Half of the places are anywhere among
 * the bytes, half anywhere in a line of INDEX, so that headers, padding and small files have theirs.
 */
export function seededDamage(archive: LargeArchive, seed: number, number: number): SeededDamage {
  const random = new SeededRandom(seed * 7_919 + number);
  const kind = damageKinds[number % damageKinds.length] ?? 'a bit flipped';
  const { bytes } = archive;
  const at = random.below(2) === 0 ? random.below(bytes.length) : placeInLine(archive, random);
  const pieces = harm(archive, kind, at, random);
  return { number, kind, at: firstDifference(bytes, pieces), pieces };
}

function placeInLine({ lines }: LargeArchive, random: SeededRandom): number {
  for (;;) {
    const line = lines[random.below(lines.length)];
    if (line === undefined || !('stored' in line) || line.stored.length === 0) continue;
    return line.stored.offset + random.below(line.stored.length);
  }
}

function harm(
  { bytes, rope }: LargeArchive,
  kind: DamageKind,
  at: number,
  random: SeededRandom,
): readonly Buffer[] {
  const byte = bytes[at] ?? 0;
  switch (kind) {
    case 'a bit flipped':
      return replaced(bytes, at, Buffer.of(byte ^ (1 << random.below(8))));
    case 'a byte zeroed': {
      let there = at;
      while (bytes[there] === 0) there = (there + 1) % bytes.length;
      return replaced(bytes, there, Buffer.of(0));
    }
    case 'cut off':
      return [bytes.subarray(0, at)];
    case '4 KiB from elsewhere': {
      const to = Math.min(at, bytes.length - blockSize);
      for (;;) {
        const from = random.below(bytes.length - blockSize);
        const block = bytes.subarray(from, from + blockSize);
        if (!block.equals(bytes.subarray(to, to + blockSize))) return replaced(bytes, to, block);
      }
    }
    case 'a member left out':
    case 'a member doubled': {
      let end = 0;
      const member = rope.segments.find(({ stored }) => (end += stored) > at);
      const begin = end - (member?.stored ?? 0);
      const again = kind === 'a member doubled' ? [bytes.subarray(begin, end)] : [];
      const before = kind === 'a member doubled' ? end : begin;
      return [bytes.subarray(0, before), ...again, bytes.subarray(end)];
    }
  }
}

function replaced(bytes: Buffer, at: number, by: Buffer): readonly Buffer[] {
  return [bytes.subarray(0, at), by, bytes.subarray(at + by.length)];
}

function firstDifference(bytes: Buffer, pieces: readonly Buffer[]): number {
  let at = 0;
  for (const piece of pieces) {
    const there = bytes.subarray(at, at + piece.length);
    if (!piece.equals(there)) {
      let same = 0;
      while (same < there.length && piece[same] === there[same]) same += 1;
      return at + same;
    }
    at += piece.length;
  }
  return at;
}

/** The harmed archive from its first byte to its last. */
export async function* streamOfPieces(pieces: readonly Buffer[]): AsyncGenerator<Buffer> {
  const chunk = 1024 * 1024;
  for (const piece of pieces) {
    for (let at = 0; at < piece.length; at += chunk) yield piece.subarray(at, at + chunk);
  }
}

/** Ranged reads of it; behind its end there is nothing. */
export function rangesOfPieces(pieces: readonly Buffer[]): ReadRange {
  return ({ start, end }) => {
    const wanted: Buffer[] = [];
    let offset = 0;
    for (const piece of pieces) {
      const part = piece.subarray(Math.max(0, start - offset), Math.max(0, end - offset));
      if (part.length > 0) wanted.push(part);
      offset += piece.length;
    }
    return Promise.resolve(streamOfPieces(wanted));
  };
}
