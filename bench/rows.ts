import type { Bench } from './bench';
import type { RowResult } from './figures';
import { measureCreates, type Creates } from './rows/create';
import { downtimeRow } from './rows/downtime';
import { dumpRow } from './rows/dump';
import { loadRow } from './rows/load';
import { memoryRow } from './rows/memory';
import { createRow, diskRow, historyRow } from './rows/of-creates';
import { orchestrationRow } from './rows/orchestration';
import { replayRow } from './rows/replay';

/** The rows, in the order they run; what changes the controller's data comes late. */
export const rowNames = [
  'create',
  'disk',
  'history',
  'dump',
  'memory',
  'load',
  'downtime',
  'replay',
  'orchestration',
] as const;

/** Titles of the rows, in the order of a page. */
export const rowTitles: readonly string[] = [
  'Backup, whole',
  'Peak disk of a backup beyond its result',
  'Workflow history of a backup',
  'Dump with gzip',
  'Memory of the host worker over its idle',
  'Load',
  'Downtime of the controller in a restore',
  'Oplog replay',
  'Orchestration: a backup of an empty controller',
];

export type RowName = (typeof rowNames)[number];

/** Memory over idle that a run at another size has seen. */
export interface EarlierMemory {
  readonly size: number;
  readonly over: number;
}

/** Runs rows on one controller; rows of the same measurements share them. */
export async function runRows(
  bench: Bench,
  names: readonly RowName[],
  earlier: EarlierMemory | undefined,
): Promise<{ readonly rows: readonly RowResult[]; readonly memory: EarlierMemory | undefined }> {
  let measured: Promise<Creates> | undefined;
  let memory: EarlierMemory | undefined;
  const creates = (): Promise<Creates> => (measured ??= measureCreates(bench));
  const run = async (name: RowName): Promise<RowResult> => {
    switch (name) {
      case 'create':
        return createRow(bench, await creates());
      case 'disk':
        return diskRow(await creates());
      case 'history':
        return historyRow(await creates());
      case 'dump':
        return dumpRow(bench);
      case 'load':
        return loadRow(bench);
      case 'downtime':
        return downtimeRow(bench);
      case 'replay':
        return replayRow(bench);
      case 'orchestration':
        return orchestrationRow(bench);
      case 'memory': {
        const { over, ...row } = await memoryRow(bench, earlier);
        memory = { size: bench.options.sizeBytes, over };
        return row;
      }
    }
  };
  const rows: RowResult[] = [];
  for (const name of rowNames.filter((one) => names.includes(one))) {
    bench.options.say(name);
    rows.push(await run(name));
  }
  return { rows, memory };
}
