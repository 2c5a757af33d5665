import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Ground } from './ground';
import { planRuns } from './plan';
import { reliabilityPage, verdictLine, type Sweep } from './report';
import { runFault, type Verdict } from './run-fault';

/** Bytes of documents. */
const size = 2_000_000;

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '120' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e6)) },
    only: { type: 'string' },
    minutes: { type: 'string', default: '60' },
    mongod: { type: 'string', default: '6.0' },
    jobs: { type: 'string', default: '1' },
    out: { type: 'string' },
    'no-volumes': { type: 'boolean', default: false },
  },
});

interface Asked {
  readonly seed: number;
  readonly only: readonly number[] | undefined;
  readonly withVolumes: boolean;
  readonly jobs: number;
  /** As performance.now() counts. */
  readonly deadline: number;
}

/** Runs what was asked for; the number of failed runs. */
async function main(): Promise<number> {
  const seed = whole('seed', values.seed);
  const withVolumes = !values['no-volumes'];
  const skipped = withVolumes
    ? []
    : [
        'Full disks were left out: this kernel lets no tmpfs be mounted in a user and mount namespace.',
      ];
  skipped.forEach(say);
  const asked: Asked = {
    seed,
    only: values.only?.split(',').map((text) => whole('only', text)),
    withVolumes,
    jobs: whole('jobs', values.jobs),
    deadline: performance.now() + whole('minutes', values.minutes) * 60_000,
  };
  const counts = values.runs.split(',').map((text) => whole('runs', text));
  const sweeps = values.mongod.split(',').map((mongod, at): Sweep & { verdicts: Verdict[] } => ({
    mongod: release(mongod),
    planned: counts[at] ?? counts[0] ?? 0,
    verdicts: [],
  }));
  try {
    for (const sweep of sweeps) await make(asked, sweep);
  } finally {
    if (values.out !== undefined) {
      await writeFile(values.out, reliabilityPage({ seed, size, skipped }, sweeps));
    }
  }
  const verdicts = sweeps.flatMap((sweep) => sweep.verdicts);
  const failed = verdicts.filter(({ outcome }) => outcome === 'failed').length;
  say(`runs made: ${verdicts.length}, failed: ${failed}`);
  return failed;
}

/** Makes the runs of a sweep and adds their verdicts to it. */
async function make(asked: Asked, sweep: Sweep & { verdicts: Verdict[] }): Promise<void> {
  const { seed, only, withVolumes, jobs, deadline } = asked;
  const { planned, verdicts } = sweep;
  const mongod = release(sweep.mongod);
  say(`seed ${seed}, mongod ${mongod}, ${planned} runs`);
  const all = planRuns(seed, Math.max(planned, ...(only ?? []).map((index) => index + 1)));
  const queue = all.filter(({ index, fault }) => {
    if (only !== undefined && !only.includes(index)) return false;
    return withVolumes || !fault.endsWith(' full');
  });
  const failedRun = async (site: Ground, verdict: Verdict): Promise<void> => {
    const { run, problems } = verdict;
    const logs = join(tmpdir(), `holdfast-faults-${seed}-${mongod}`, String(run.index));
    await site.keepLogs(logs, run.kind);
    await writeFile(join(logs, 'problems.txt'), problems.join('\n'));
    say(problems.slice(0, 12).join('\n'));
    const again = `--seed ${seed} --mongod ${mongod} --only ${run.index}`;
    say(`again: npm run faults -- ${again}; its logs: ${logs}`);
  };
  const work = async (): Promise<void> => {
    let site: Ground | undefined;
    try {
      for (let run = queue.shift(); run !== undefined; run = queue.shift()) {
        if (performance.now() > deadline) return;
        site ??= await Ground.build({ seed, mongod, size, withVolumes });
        const verdict = await runFault(site, run);
        verdicts.push(verdict);
        say(verdictLine(verdict));
        if (verdict.outcome !== 'failed') continue;
        await failedRun(site, verdict);
        await site.stop();
        site = undefined;
      }
    } finally {
      await site?.stop();
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
}

function release(text: string): '6.0' | '4.4' {
  if (text !== '6.0' && text !== '4.4') throw new Error('--mongod is 6.0, 4.4, or both');
  return text;
}

function whole(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`--${name} is a whole number`);
  return value;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

main().then(
  (failed) => process.exit(failed === 0 ? 0 : 1),
  (error: unknown) => {
    process.stderr.write(
      `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    process.exit(2);
  },
);
