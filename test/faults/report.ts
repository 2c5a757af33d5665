import { faults, kinds, steps } from './plan';
import type { Outcome, Verdict } from './run-fault';

const outcomes: readonly Outcome[] = [
  'complete',
  'as it was',
  'compensated by the next',
  'finished by --resume',
  'undone by --rollback',
  'failed',
];

/** What all runs were made with. */
export interface Conditions {
  readonly seed: number;
  /** Bytes of documents. */
  readonly size: number;
  /** Why runs were left out, one line each. */
  readonly skipped: readonly string[];
}

/** The runs against one mongod. */
export interface Sweep {
  readonly mongod: string;
  readonly planned: number;
  readonly verdicts: readonly Verdict[];
}

/** The page docs/reliability.md. */
export function reliabilityPage(conditions: Conditions, sweeps: readonly Sweep[]): string {
  const { seed, size, skipped } = conditions;
  const again = [
    `--seed ${seed}`,
    `--mongod ${sweeps.map(({ mongod }) => mongod).join(',')}`,
    `--runs ${sweeps.map(({ planned }) => planned).join(',')}`,
  ].join(' ');
  return [
    '# Reliability',
    '',
    'Written by `npm run faults`: a real controller, Temporal and the two workers of its host; while a backup, restore or verification is at a step, something is done to it.',
    'What may come of it: the complete, verified result; or the exact state before (documents, indexes, files, services up, nothing left over), with an error that says why.',
    'After a Terminate the next command undoes what was left and proceeds, or, past the point of no return, refuses and names `--resume` and `--rollback`, and the one that is taken works.',
    'Anything else is a failed run.',
    '',
    ...sweeps.map(
      ({ mongod, planned, verdicts }) =>
        `- mongod ${mongod}: ${verdicts.length} of ${planned} planned runs made, ${failedOf(verdicts).length} failed`,
    ),
    '',
    `Seed ${seed}, ${size / 1e6} MB of documents, heartbeat timeout 2 s.`,
    `All of them again: \`npm run faults -- ${again}\`; one of them: \`--only INDEX\`.`,
    ...skipped.map((line) => `\n${line}`),
    '',
    ...sweeps.flatMap(sweepSection),
  ].join('\n');
}

function sweepSection({ mongod, verdicts }: Sweep): string[] {
  const failed = failedOf(verdicts);
  return [
    `## mongod ${mongod}: how they ended`,
    '',
    ...table(
      ['fault', ...outcomes],
      faults.map((fault) => [
        fault,
        ...outcomes.map((outcome) =>
          count(verdicts, (each) => each.run.fault === fault && each.outcome === outcome),
        ),
      ]),
    ),
    '',
    `## mongod ${mongod}: where it struck`,
    '',
    'Runs by the step that was under way at the strike. Short steps can be over between two looks: then the next one was struck, or nothing (the last row).',
    '',
    ...table(
      ['step', ...faults],
      [
        ...kinds.flatMap((kind) => steps[kind].map((step) => row(verdicts, `\`${step}\``, step))),
        row(verdicts, 'between two, or ended', undefined),
      ],
    ),
    '',
    ...(failed.length === 0
      ? []
      : [`## mongod ${mongod}: failed`, '', ...failed.flatMap(failure), '']),
  ];
}

function failedOf(verdicts: readonly Verdict[]): readonly Verdict[] {
  return verdicts.filter(({ outcome }) => outcome === 'failed');
}

/** How one run went, for people. */
export function verdictLine({ run, outcome, struck, code, took }: Verdict): string {
  const where = struck === run.step ? run.step : `${run.step} (was in ${struck ?? 'none'})`;
  const seconds = (took / 1000).toFixed(1);
  const why = code === undefined ? '' : ` ${code}`;
  return `${run.index}\t${run.kind}\t${where}\t${run.fault}\t+${run.delay} ms\t${outcome}${why}\t${seconds} s`;
}

function failure({ run, problems }: Verdict): string[] {
  const first = problems[0]?.split('\n')[0] ?? '';
  return [`- run ${run.index}: ${run.fault} in \`${run.step}\` after ${run.delay} ms: ${first}`];
}

function row(verdicts: readonly Verdict[], title: string, step: string | undefined): string[] {
  return [
    title,
    ...faults.map((fault) =>
      count(verdicts, ({ run, struck }) => struck === step && run.fault === fault),
    ),
  ];
}

function count(verdicts: readonly Verdict[], counts: (verdict: Verdict) => boolean): string {
  const number = verdicts.filter(counts).length;
  return number === 0 ? '' : String(number);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((_, at) =>
    Math.max(3, ...[head, ...rows].map((cells) => (cells[at] ?? '').length)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((width, at) => (cells[at] ?? '').padEnd(width)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)];
}
