import { setTimeout as delay } from 'node:timers/promises';
import type { Bench } from '../bench';
import { atMost, type RowResult, type Verdict } from '../figures';
import { processRss } from '../usage';
import { restoreReportSchema } from './downtime';

const bar = 150;

/** Runs something and gives the largest memory of a process meanwhile, bytes. */
async function peakDuring(pid: number, work: () => Promise<unknown>): Promise<number> {
  let peak = 0;
  const sampling = setInterval(() => (peak = Math.max(peak, processRss(pid))), 20);
  try {
    await work();
  } finally {
    clearInterval(sampling);
  }
  return peak;
}

/** Memory of a process once it has not grown by a megabyte for a second, bytes. */
async function idleRss(pid: number): Promise<number> {
  let before = 0;
  for (let tries = 0; tries < 20; tries += 1) {
    const now = processRss(pid);
    if (Math.abs(now - before) < 1e6) return now;
    before = now;
    await delay(1_000);
  }
  return before;
}

/** The host worker's memory over its idle, in a fresh process; `earlier` is another size's peak. */
export async function memoryRow(
  bench: Bench,
  earlier: { readonly size: number; readonly over?: number } | undefined,
): Promise<RowResult & { readonly over: number }> {
  const { site } = bench;
  await site.stopWorkers();
  await site.removeBackups();
  await site.workers();
  const idle = await idleRss(site.hostPid);
  const over = new Map<string, number>();
  const measure = async (name: string, ...args: string[]): Promise<void> => {
    const peak = await peakDuring(site.hostPid, () => site.holdfast([name, ...args]));
    over.set(name, (peak - idle) / 1e6);
    bench.options.say(`  ${name}: ${((peak - idle) / 1e6).toFixed(0)} MB over idle`);
  };
  await measure('create', '--quiet');
  const id = await site.backupId();
  await measure('verify', id);
  await measure('restore', id, '--yes');
  const { downtime } = restoreReportSchema.parse(await site.operation().result());
  const highest = Math.round(Math.max(...over.values()));
  const growth: Verdict[] =
    earlier?.over === undefined
      ? []
      : [
          {
            what: `memory over idle against that at ${earlier.size / 1e6} MB`,
            value: `${((100 * highest) / earlier.over).toFixed(0)} %`,
            bar: 'at most 110 %',
            reached: highest <= earlier.over * 1.1,
          },
        ];
  return {
    over: highest,
    title: 'Memory of the host worker over its idle',
    table: [],
    verdicts: [
      ...[...over].map(([name, value]) =>
        atMost(`memory over idle, ${name}`, Math.round(value), bar, 'MB'),
      ),
      ...growth,
      atMost('downtime in that restore', downtime / 1000, 5, 's'),
    ],
    notes: [`The idle worker takes ${Math.round(idle / 1e6)} MB.`],
  };
}
