import type { Creates } from './create';
import { atMost, ratio, type RowResult } from '../figures';
import type { Bench } from '../bench';

/** Whole backups: time, disk and size. */
export function createRow(bench: Bench, creates: Creates): RowResult {
  const { zlib, igzip, juju, notes } = creates;
  const table = [zlib, igzip, juju].flatMap((measured) =>
    measured === undefined ? [] : [measured],
  );
  return {
    title: 'Backup, whole',
    table,
    verdicts: [
      ...ratio(
        "create, zlib, against Juju's sequence",
        zlib,
        juju,
        bench.bar({ 5e8: 2.7, 5e9: 3.5 }),
      ),
      ...ratio(
        "create, igzip, against Juju's sequence",
        igzip,
        juju,
        bench.bar({ 5e8: 3.8, 5e9: 5 }),
      ),
    ],
    notes,
  };
}

/** What a backup needs on disk beyond what stays. */
export function diskRow({ zlib, juju }: Creates): RowResult {
  const times = (measured: Creates['zlib']): number =>
    (measured?.median.disk ?? Number.NaN) / (measured?.median.output ?? Number.NaN);
  return {
    title: 'Peak disk of a backup beyond its result',
    table: [],
    verdicts: [
      atMost('peak disk of create beyond the result', times(zlib), 1.1, 'x the archive'),
      ...(juju === undefined
        ? []
        : [
            {
              what: "peak disk of Juju's sequence beyond the result",
              value: `${times(juju).toFixed(2)} x the archive`,
            },
          ]),
    ],
    notes: [],
  };
}

/** What Temporal keeps of a backup. */
export function historyRow({ histories }: Creates): RowResult {
  const most = (of: (facts: Creates['histories'][number]) => number): number =>
    Math.max(...histories.map(of));
  return {
    title: 'Workflow history of a backup',
    table: [],
    verdicts: [
      atMost(
        'workflow history of create',
        most(({ events }) => events),
        300,
        'events',
      ),
      atMost('workflow history of create', most(({ bytes }) => bytes) / 1e6, 1, 'MB'),
    ],
    notes: [],
  };
}
