import { createCipheriv } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Bench } from '../bench';
import { ratio, type Measured, type RowResult, type Verdict } from '../figures';
import {
  filePlace,
  gridfsPlace,
  s3Place,
  type Direction,
  type Moved,
  type StoragePlace,
} from '../storage-places';

const directions: readonly Direction[] = ['write', 'read'];
const types: readonly StoragePlace['type'][] = ['file', 's3', 'gridfs'];

const titleOf = (type: StoragePlace['type'], direction: Direction): string =>
  `Storage ${type}, ${direction}`;

/** What the rows are called, in their order. */
export const storageTitles: readonly string[] = types.flatMap((type) =>
  directions.map((direction) => titleOf(type, direction)),
);
const blockBytes = 1024 ** 2;

/** Bytes that nothing makes smaller, the same in every run. */
async function* incompressible(bytes: number): AsyncGenerator<Buffer> {
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, 1), Buffer.alloc(16));
  const zeros = Buffer.alloc(blockBytes);
  for (let left = bytes; left > 0; left -= blockBytes) {
    yield cipher.update(zeros.subarray(0, Math.min(left, blockBytes)));
  }
}

function against(measured: readonly Measured[], direction: Direction): Verdict[] {
  const [own, ...peers] = measured;
  return peers.flatMap((peer) =>
    ratio(`${own?.name ?? direction}, against ${peer.name.split(',')[0]}`, own, peer, undefined),
  );
}

/** The largest memory of Holdfast's process, against that at another size. */
function memoryOf(
  own: Measured,
  earlier: ReadonlyMap<string, number> | undefined,
  size: number | undefined,
): { readonly peak: number; readonly verdicts: readonly Verdict[] } {
  const peak = Math.max(...own.samples.map(({ rss }) => rss)) / 1e6;
  const before = earlier?.get(own.name);
  const value = `${peak.toFixed(0)} MB`;
  if (before === undefined || size === undefined) {
    return { peak, verdicts: [{ what: `memory of ${own.name}`, value }] };
  }
  const grown = peak / before;
  return {
    peak,
    verdicts: [
      {
        what: `memory of ${own.name} against that at ${size / 1e6} MB`,
        value: `${value}, ${(100 * grown).toFixed(0)} %`,
        bar: 'at most 110 %',
        reached: grown <= 1.1,
      },
    ],
  };
}

/**
 * One file of the size through every storage, in both directions, against what moves the same file to
 * the same place without Holdfast; and the memory of Holdfast's process meanwhile.
 */
export async function storageRows(
  bench: Bench,
  earlier: { readonly size: number; readonly transfers?: ReadonlyMap<string, number> } | undefined,
): Promise<{
  readonly rows: readonly RowResult[];
  readonly transfers: ReadonlyMap<string, number>;
}> {
  const { sizeBytes } = bench.options;
  await bench.site.stopWorkers();
  const directory = await bench.scratch('moved');
  const source = join(directory, 'source');
  await pipeline(incompressible(sizeBytes), createWriteStream(source));
  const moved: Moved = { source, target: join(directory, 'target'), bytes: sizeBytes };
  const rows: RowResult[] = [];
  const transfers = new Map<string, number>();
  const measure = async (place: StoragePlace): Promise<void> => {
    for (const direction of directions) {
      if (direction === 'read') await place.prepareReads();
      const measured = await bench.alternate(place.contenders(direction));
      const [own] = measured;
      if (own === undefined) continue;
      const { peak, verdicts } = memoryOf(own, earlier?.transfers, earlier?.size);
      transfers.set(own.name, peak);
      const speed = sizeBytes / 1e6 / own.median.wall;
      rows.push({
        title: titleOf(place.type, direction),
        table: measured,
        verdicts: [
          { what: own.name, value: `${speed.toFixed(0)} MB/s` },
          ...against(measured, direction),
          ...verdicts,
        ],
        notes: [notes[place.type], ...(place.peer === undefined ? [] : [place.peer])],
      });
    }
  };
  for (const open of [filePlace, s3Place, gridfsPlace]) {
    const place = await open(bench, moved);
    try {
      await measure(place);
    } finally {
      await place.stop();
    }
  }
  await rm(directory, { recursive: true });
  return { rows, transfers };
}

const notes: Readonly<Record<StoragePlace['type'], string>> = {
  file: 'One file of random bytes. Holdfast brings it to disk before it appears and every 64 MiB before; `cp` leaves that to the system, `cp` and `sync` does it once.',
  s3: 'One file of random bytes, parts of 8 MiB, 4 at once, on versitygw over loopback; "mongod cpu" is that of versitygw. Holdfast sends SHA-256 of each part and asks for what was stored; the AWS SDK (its uploader `@aws-sdk/lib-storage`) sends CRC-32, and reads with one GetObject.',
  gridfs:
    'One file of random bytes, chunks of 255 KiB, write concern majority for both. Holdfast keeps the SHA-256 of the file and reads it back against it.',
};
