import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bench } from '../bench';
import { median, ratio, type RowResult } from '../figures';
import { measureCommand } from '../meter';
import { connectionArguments } from '../peers';
import { measureSteps } from '../step-process';

/** Databases that neither Juju nor Holdfast loads; loading its users would lock mongorestore out. */
export const neverRestored = ['admin', 'config'];

/** A dump of the controller by mongodump, without what is never restored. */
export async function mongodumpOf(
  bench: Bench,
  name: string,
  options: readonly string[],
): Promise<string> {
  const directory = await bench.scratch(name);
  const { mongodump } = bench.options.programs;
  const args = [...options, ...connectionArguments(bench.site.example), '--out', directory];
  await measureCommand(mongodump, args, await bench.meter());
  for (const database of neverRestored) {
    await rm(join(directory, database), { recursive: true, force: true });
  }
  return directory;
}

/** The load's step alone, in one process without Temporal, against `mongorestore`. */
export async function loadRow(bench: Bench): Promise<RowResult> {
  const { site } = bench;
  const { profile, programs } = bench.options;
  const id = await site.backupId();
  await site.stopWorkers();
  const directory = await mongodumpOf(bench, 'load', ['--gzip', '-j', '4']);
  const parts: Readonly<Record<string, number>>[] = [];
  const measured = await bench.alternate([
    {
      name: 'holdfast load',
      run: async () => {
        const args = [site.example.configFile, 'load', id];
        const meter = await bench.meter();
        const steps = await measureSteps('steps/main.js', args, { ...meter, profile });
        parts.push(steps.figures);
        return { ...steps.sample, wall: steps.sample.wall - (steps.figures['proving'] ?? 0) };
      },
    },
    {
      name: 'mongorestore -j4 --numInsertionWorkersPerCollection 4 --drop --gzip',
      run: async () => {
        await site.stopAgent();
        try {
          const workers = ['--numInsertionWorkersPerCollection', '4'];
          const args = ['-j', '4', ...workers, '--drop', '--gzip'];
          const { sample } = await measureCommand(
            programs.mongorestore,
            [...args, ...connectionArguments(site.example), directory],
            await bench.meter(),
          );
          return sample;
        } finally {
          await site.startAgent();
          await site.agentAlive();
        }
      },
    },
  ]);
  await rm(directory, { recursive: true });
  const [own, peer] = measured;
  const part = (name: string): string =>
    `${median(parts.map((figures) => figures[name] ?? Number.NaN)).toFixed(2)} s`;
  return {
    title: 'Load',
    table: measured,
    verdicts: ratio(
      'load with durable progress, against mongorestore -j4',
      own,
      peer,
      bench.bar({ 5e8: 1.3 }),
    ),
    notes: [
      `Holdfast: the activity loadStaged in one process, straight from the archive's members, indexes and majority committed progress documents included: collections ${part('loading')}, indexes ${part('indexing')}; the proof that follows (${part('proving')}) is left out.`,
      'Holdfast loads beside the live data while the agent reads; mongorestore replaces it, with the agent stopped.',
    ],
  };
}
