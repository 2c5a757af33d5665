import { rm } from 'node:fs/promises';
import { z } from 'zod';
import type { Bench } from '../bench';
import { atMost, median, ratio, type Contender, type RowResult } from '../figures';
import { measureCommand, Meter } from '../meter';
import { connectionArguments } from '../peers';
import { mongodumpOf } from './load';

/** Of what a restore reports: milliseconds from the agent's stop to its start. */
export const restoreReportSchema = z.object({ downtime: z.number() });

/** juju-restore's own, less what `--include-status-history` takes away. */
const jujuRestoreFlags = [
  ['-vvvvv', '--drop', '--writeConcern=majority', '--stopOnError', '--maintainInsertionOrder'],
  ['--nsExclude=logs.*'],
].flat();

/** How long the controller's agent is away in a restore. */
export async function downtimeRow(bench: Bench): Promise<RowResult> {
  const { site } = bench;
  const id = await site.backupId();
  const directory = await mongodumpOf(bench, 'juju-restore', ['--oplog']);
  const whole: number[] = [];
  const jujuRestore = (name: string, more: readonly string[]): Contender => ({
    name,
    run: async () => {
      const meter = await Meter.start(await bench.meter());
      await site.stopAgent();
      const { sample } = await measureCommand(
        bench.options.programs.mongorestore,
        [...jujuRestoreFlags, ...more, ...connectionArguments(site.example), directory],
        await bench.meter(),
      );
      await site.startAgent();
      const { wall } = await meter.stop();
      await site.agentAlive();
      return { ...sample, wall };
    },
  });
  const measured = await bench.alternate([
    {
      name: 'holdfast restore',
      run: async () => {
        const { sample } = await site.holdfast(['restore', id, '--yes']);
        whole.push(sample.wall);
        const { downtime } = restoreReportSchema.parse(await site.operation().result());
        const { cpu, server, rss } = sample;
        return { cpu, server, rss, wall: downtime / 1000 };
      },
    },
    jujuRestore('juju-restore --include-status-history', []),
    jujuRestore('juju-restore', ['--nsExclude=juju.statuseshistory']),
  ]);
  await rm(directory, { recursive: true });
  const [own, included, standard] = measured;
  const bar = bench.bar({ 5e8: 5 });
  return {
    title: 'Downtime of the controller in a restore',
    table: measured,
    verdicts: [
      ...(own === undefined ? [] : [atMost('downtime in a restore', own.median.wall, 5, 's')]),
      ...ratio('downtime, against juju-restore --include-status-history', own, included, bar),
      ...ratio('downtime, against juju-restore', own, standard, bar),
    ],
    notes: [
      `Wall is the time from the agent's stop to its start, cpu and memory are those of the whole restore. Holdfast's whole restore took ${median(whole).toFixed(2)} s, most of it while the agent ran, and waits until the agent lives; for juju-restore's steps (stop, mongorestore, start) the agent counts as back once its start has returned.`,
      "juju-restore never restores logs, by default no status history either, and replays no oplog: Holdfast's restore does all three.",
    ],
  };
}
