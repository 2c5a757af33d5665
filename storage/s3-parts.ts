const mebibyte = 1024 ** 2;

/** Limits of the S3 protocol. */
export const mostParts = 10_000;
export const leastPartBytes = 5 * mebibyte;
export const mostPartBytes = 5 * 1024 * mebibyte;
/** Bytes of parts that are kept in memory while they are on their way. */
const flightBytes = 256 * mebibyte;
/** After so many parts of one size those of a file of unknown size get twice as large. */
const growEvery = 1_000;
const mostGrownBytes = 512 * mebibyte;

/**
 * Bytes of each part but the last of a file of `size` bytes: `wanted`, or what it takes to need no
 * more than 10,000 parts, in whole MiB.
 */
export function partSizeFor(size: number, wanted: number): number {
  const needed = Math.ceil(size / mostParts / mebibyte) * mebibyte;
  return Math.min(mostPartBytes, Math.max(leastPartBytes, wanted, needed));
}

/** Bytes of part `number` (from 1) of a file whose size nobody knows: 2.4 TiB in all from 8 MiB on. */
export function growingPartSize(number: number, first: number): number {
  const doublings = Math.floor((number - 1) / growEvery);
  return Math.max(first, Math.min(mostGrownBytes, first * 2 ** Math.min(doublings, 20)));
}

/** How many parts of this size may be on their way at once. */
export function partsInFlight(partSize: number, parallel: number): number {
  return Math.max(1, Math.min(parallel, Math.floor(flightBytes / partSize)));
}

/** Length of part `number` (from 1), bytes. */
export function partLength(number: number, partSize: number, size: number): number {
  return Math.min(partSize, size - (number - 1) * partSize);
}
