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
import { storageRows, storageTitles } from './rows/storage';

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
  'storage',
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
  ...storageTitles,
];

export type RowName = (typeof rowNames)[number];

/** What a run at another size has seen of memory, bytes of documents and MB. */
export interface EarlierMemory {
  readonly size: number;
  /** Of the host worker over its idle. */
  readonly over?: number;
  /** Of transfers, by what they are called. */
  readonly transfers?: ReadonlyMap<string, number>;
}

/** Runs rows on one controller; rows of the same measurements share them. */
export async function runRows(
  bench: Bench,
  names: readonly RowName[],
  earlier: EarlierMemory | undefined,
): Promise<{ readonly rows: readonly RowResult[]; readonly memory: EarlierMemory | undefined }> {
  let measured: Promise<Creates> | undefined;
  let memory: EarlierMemory | undefined;
  const size = bench.options.sizeBytes;
  const creates = (): Promise<Creates> => (measured ??= measureCreates(bench));
  const run = async (name: RowName): Promise<readonly RowResult[]> => {
    switch (name) {
      case 'create':
        return [createRow(bench, await creates())];
      case 'disk':
        return [diskRow(await creates())];
      case 'history':
        return [historyRow(await creates())];
      case 'dump':
        return [await dumpRow(bench)];
      case 'load':
        return [await loadRow(bench)];
      case 'downtime':
        return [await downtimeRow(bench)];
      case 'replay':
        return [await replayRow(bench)];
      case 'orchestration':
        return [await orchestrationRow(bench)];
      case 'storage': {
        const { rows: found, transfers } = await storageRows(bench, earlier);
        memory = { ...memory, size, transfers };
        return found;
      }
      case 'memory': {
        const { over, ...row } = await memoryRow(bench, earlier);
        memory = { ...memory, size, over };
        return [row];
      }
    }
  };
  const rows: RowResult[] = [];
  for (const name of rowNames.filter((one) => names.includes(one))) {
    bench.options.say(name);
    rows.push(...(await run(name)));
  }
  return { rows, memory };
}
