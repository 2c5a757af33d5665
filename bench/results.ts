import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { isMissing } from '../config/durable-file';
import type { RowResult } from './figures';

const sample = z.object({
  wall: z.number(),
  cpu: z.number(),
  server: z.number(),
  rss: z.number(),
  disk: z.number().exactOptional(),
  output: z.number().exactOptional(),
});

const verdict = z.object({
  what: z.string(),
  value: z.string(),
  bar: z.string().exactOptional(),
  reached: z.boolean().exactOptional(),
  behind: z.boolean().exactOptional(),
});

const row = z.object({
  title: z.string(),
  table: z.array(z.object({ name: z.string(), samples: z.array(sample), median: sample })),
  verdicts: z.array(verdict),
  notes: z.array(z.string()),
  /** When it was measured, ISO 8601. */
  date: z.string(),
  /** Load average of a minute before the run began. */
  load: z.number(),
  rounds: z.number(),
});

const ground = z.object({
  machine: z.string(),
  mongod: z.string(),
  cacheBytes: z.number(),
  temporal: z.string(),
  /** Name and version of the tools compared with. */
  peers: z.record(z.string(), z.string()),
});

const resultsSchema = z.object({
  v: z.literal(1),
  ground,
  sizes: z.array(
    z.object({
      /** As it was asked for, such as `500M`. */
      size: z.string(),
      /** What the documents came to. */
      data: z.object({ documents: z.number(), bytes: z.number() }),
      rows: z.array(row),
    }),
  ),
});

/** Everything that runs on one ground found out: bench/results.json. */
export type Results = z.infer<typeof resultsSchema>;
/** All rows at one size. */
export type SizeResult = Results['sizes'][number];
/** A row, and when and how it was measured. */
export type RecordedRow = SizeResult['rows'][number];
/** What figures depend on besides Holdfast. */
export type Ground = Results['ground'];

/** A row as it is recorded. */
export function recordRow(
  { title, table, verdicts, notes }: RowResult,
  how: Pick<RecordedRow, 'date' | 'load' | 'rounds'>,
): RecordedRow {
  return {
    title,
    table: table.map(({ name, samples, median }) => ({ name, samples: [...samples], median })),
    verdicts: [...verdicts],
    notes: [...notes],
    ...how,
  };
}

/** What earlier runs recorded, or undefined when there is no such file. */
export async function readResults(path: string): Promise<Results | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  return resultsSchema.parse(JSON.parse(text));
}

/**
 * Earlier results with newer rows in their places, in the order of `titles`. Those of another
 * machine, mongod or tool are dropped: they cannot be compared.
 */
export function mergeResults(
  earlier: Results | undefined,
  newer: Results,
  titles: readonly string[],
): Results {
  if (earlier === undefined || JSON.stringify(earlier.ground) !== JSON.stringify(newer.ground)) {
    return newer;
  }
  const sizes = new Map(earlier.sizes.map((one) => [one.size, one]));
  for (const { size, data, rows } of newer.sizes) {
    const before = sizes.get(size);
    const merged = new Map(before?.rows.map((one) => [one.title, one]));
    for (const one of rows) merged.set(one.title, one);
    const place = ({ title }: RecordedRow): number => titles.indexOf(title);
    const ordered = [...merged.values()].toSorted((a, b) => place(a) - place(b));
    // A run that only moved files had no documents: what they came to is known from the others.
    const known = sizes.get(size)?.data;
    const full = known !== undefined && known.bytes > data.bytes ? known : data;
    sizes.set(size, { size, data: full, rows: ordered });
  }
  const ordered = [...sizes.values()].toSorted((a, b) => a.data.bytes - b.data.bytes);
  return { ...newer, sizes: ordered };
}
