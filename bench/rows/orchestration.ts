import type { Bench } from '../bench';
import { atMost, type RowResult } from '../figures';
import { measureSteps } from '../step-process';

/** What the command, the workers and Temporal add to the steps of a backup. */
export async function orchestrationRow(bench: Bench): Promise<RowResult> {
  const site = await bench.options.emptySite();
  try {
    const { configFile } = site.example;
    const meter = { mongodPid: await site.mongodPid() };
    const measured = await bench.alternate([
      {
        name: 'holdfast create',
        run: async () => {
          await site.removeBackups();
          return (await site.holdfast(['create', '--quiet'])).sample;
        },
      },
      {
        name: 'the same steps in one process',
        run: async () => {
          await site.removeBackups();
          const steps = await measureSteps('steps/main.js', [configFile, 'backup'], meter);
          return { ...steps.sample, wall: steps.whole };
        },
      },
    ]);
    const [own, steps] = measured;
    const more = (own?.median.wall ?? Number.NaN) - (steps?.median.wall ?? Number.NaN);
    return {
      title: 'Orchestration: a backup of an empty controller',
      table: measured,
      verdicts: [atMost('create of an empty controller, more than its steps', more, 0.8, 's')],
      notes: ['Both from the start of a process to its exit.'],
    };
  } finally {
    await site.stop();
  }
}
