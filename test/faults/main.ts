import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Ground } from './ground';
import { planRuns } from './plan';
import { reliabilityPage, verdictLine } from './report';
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

/** Runs what was asked for; the number of failed runs. */
async function main(): Promise<number> {
  const seed = whole('seed', values.seed);
  const planned = whole('runs', values.runs);
  const deadline = performance.now() + whole('minutes', values.minutes) * 60_000;
  const only = values.only?.split(',').map((text) => whole('only', text));
  const mongod = values.mongod === '4.4' ? '4.4' : '6.0';
  const withVolumes = !values['no-volumes'];
  const all = planRuns(seed, Math.max(planned, ...(only ?? []).map((index) => index + 1)));
  say(`seed ${seed}, ${planned} runs`);
  const skipped: string[] = [];
  const wanted = all.filter(({ index, fault }) => {
    if (only !== undefined && !only.includes(index)) return false;
    return withVolumes || !fault.endsWith(' full');
  });
  if (!withVolumes) {
    skipped.push(
      'Full disks were left out: this kernel lets no tmpfs be mounted in a user and mount namespace.',
    );
    skipped.forEach(say);
  }
  const verdicts: Verdict[] = [];
  const queue = [...wanted];
  const ground = async (): Promise<Ground> => Ground.build({ seed, mongod, size, withVolumes });
  const failedRun = async (site: Ground, verdict: Verdict): Promise<void> => {
    const { run, problems } = verdict;
    const logs = join(tmpdir(), `holdfast-faults-${seed}`, String(run.index));
    await site.keepLogs(logs, run.kind);
    await writeFile(join(logs, 'problems.txt'), problems.join('\n'));
    say(problems.slice(0, 12).join('\n'));
    say(`again: npm run faults -- --seed ${seed} --only ${run.index}; its logs: ${logs}`);
  };
  const work = async (): Promise<void> => {
    let site: Ground | undefined;
    try {
      for (let run = queue.shift(); run !== undefined; run = queue.shift()) {
        if (performance.now() > deadline) return;
        site ??= await ground();
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
  try {
    await Promise.all(Array.from({ length: whole('jobs', values.jobs) }, work));
  } finally {
    if (values.out !== undefined) {
      const page = reliabilityPage({ seed, planned, mongod, size, skipped }, verdicts);
      await writeFile(values.out, page);
    }
  }
  const failed = verdicts.filter(({ outcome }) => outcome === 'failed').length;
  say(`runs made: ${verdicts.length}, failed: ${failed}`);
  return failed;
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
