import { rm } from 'node:fs/promises';
import type { Bench } from '../bench';
import { ratio, type Contender, type RowResult } from '../figures';
import { measureCommand } from '../meter';
import { connectionArguments } from '../peers';
import { measureSteps } from '../step-process';

/** Levels and their bars: zlib's level of Holdfast's default, and the one of mongodump. */
const sixthLevel = 6;

/** The dump's step alone, in one process without Temporal, against `mongodump --gzip`. */
export async function dumpRow(bench: Bench): Promise<RowResult> {
  const { site } = bench;
  await site.stopWorkers();
  const { profile, programs } = bench.options;
  const own = (name: string, config: string): Contender => ({
    name,
    run: async () => {
      const args = [config, 'dump'];
      const meter = await bench.meter();
      const { sample, figures } = await measureSteps('steps/main.js', args, { ...meter, profile });
      return { ...sample, output: figures['stored'] ?? Number.NaN };
    },
  });
  const sixth = await site.config('level-6', { limits: { level: sixthLevel } });
  const measured = await bench.alternate([
    own('holdfast dump, default level', site.example.configFile),
    own('holdfast dump, level 6', sixth),
    {
      name: 'mongodump --gzip -j4',
      run: async () => {
        const directory = await bench.scratch('mongodump');
        const args = ['--gzip', '-j', '4', ...connectionArguments(site.example)];
        const { sample } = await measureCommand(
          programs.mongodump,
          [...args, '--out', directory],
          await bench.meter([directory]),
        );
        await rm(directory, { recursive: true });
        return sample;
      },
    },
  ]);
  const [first, six, peer] = measured;
  const size = (six?.median.output ?? Number.NaN) / (peer?.median.output ?? Number.NaN);
  return {
    title: 'Dump with gzip',
    table: measured,
    verdicts: [
      ...ratio(
        'dump with gzip, default level, against mongodump --gzip -j4',
        first,
        peer,
        bench.bar({ 5e8: 3 }),
      ),
      ...ratio(
        'dump with gzip, level 6, against mongodump --gzip -j4',
        six,
        peer,
        bench.bar({ 5e8: 1.7 }),
      ),
      {
        what: 'size of the dump at level 6 against mongodump --gzip',
        value: `${(100 * size).toFixed(1)} %`,
        bar: 'at most 103 %',
        reached: size <= 1.03,
      },
    ],
    notes: [
      'Holdfast: the activity dumpDatabase in one process, from its call to its return: it reads the oplog window too, writes a checkpoint every 8 MB and brings everything to disk. mongodump does not.',
    ],
  };
}
