import type { Measured, Sample, Verdict } from './figures';
import type { RecordedRow, Results, SizeResult } from './results';

function table(rows: readonly (readonly string[])[]): string[] {
  const [head = [], ...body] = rows;
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, at) => (at === 0 ? '---' : '---:'))), ...body.map(line)];
}

function megabytes(bytes: number | undefined): string {
  return bytes === undefined || Number.isNaN(bytes) ? '' : (bytes / 1e6).toFixed(0);
}

function measuredRow({ name, samples, median }: Measured): string[] {
  const walls = samples.map(({ wall }) => wall);
  const { wall, cpu, server, rss, disk, output }: Sample = median;
  return [
    name,
    wall.toFixed(2),
    `${Math.min(...walls).toFixed(2)} to ${Math.max(...walls).toFixed(2)}`,
    cpu.toFixed(2),
    server.toFixed(2),
    megabytes(rss),
    megabytes(disk),
    megabytes(output),
    String(samples.length),
  ];
}

const measuredHead = ['', 'wall s', 'range', 'cpu s', 'mongod cpu s', 'peak RSS MB'];
const measuredTail = ['disk beyond the result MB', 'result MB', 'runs'];

function verdictText({ bar, reached, behind }: Verdict): string {
  const ahead = behind === undefined ? [] : [behind ? 'slower' : 'faster'];
  const met = bar === undefined ? [] : [reached === true ? 'reached' : '**not reached**'];
  return [...ahead, ...met].join(', ');
}

function rowText(row: RecordedRow): string[] {
  const { title, table: measured, verdicts, notes, date, load, rounds } = row;
  return [
    `### ${title}`,
    '',
    `${date.slice(0, 10)}, ${rounds} rounds, load average before it began ${load.toFixed(1)}.`,
    '',
    ...(measured.length === 0
      ? []
      : [...table([[...measuredHead, ...measuredTail], ...measured.map(measuredRow)]), '']),
    ...(verdicts.length === 0 ? [] : [...verdictTable(verdicts), '']),
    ...notes.flatMap((note) => [note, '']),
  ];
}

function verdictTable(verdicts: readonly Verdict[]): string[] {
  const rows = verdicts.map((one) => [one.what, one.value, one.bar ?? '-', verdictText(one)]);
  return table([['what', 'measured', 'bar', ''], ...rows]);
}

function sizeText({ size, data, rows }: SizeResult): string[] {
  const { documents, bytes } = data;
  return [
    `## ${size}`,
    '',
    `${documents.toLocaleString('en')} documents, ${megabytes(bytes)} MB of BSON; medians, the contenders of a table in turns.`,
    '',
    ...verdictTable(rows.flatMap(({ verdicts }) => verdicts)),
    '',
    ...rows.flatMap(rowText),
  ];
}

/** The results as a page: bench/RESULTS.md. */
export function renderResults(results: Results): string {
  const { ground, sizes } = results;
  const { machine, mongod, cacheBytes, temporal, peers } = ground;
  return [
    '# Benchmarks',
    '',
    'Written by `npm run bench -- --record` (bench/main.ts) from bench/results.json. Each table is from one run, the tools compared with measured in turns with Holdfast on the same mongod; all are from one machine; ratios are wall time of the tool by wall time of Holdfast, so above 1 Holdfast is faster.',
    '',
    `- ${machine}`,
    `- ${mongod}, a replica set of one with TLS and authentication, a cache of ${megabytes(cacheBytes)} MB, on the same cores as its clients`,
    `- ${temporal}`,
    ...Object.entries(peers).map(([name, version]) => `- ${name}: ${version}`),
    '',
    'Data: status history of 255 B a row (half of the bytes), transactions of 1.2 KB with their log, log rows of 240 B in capped collections, GridFS chunks of 256 KB that no compression makes smaller, and what else a small controller has. cpu is user and system time of the contender and its children, mongod cpu that of the server meanwhile, memory the largest sum of resident memory.',
    '',
    ...sizes.flatMap(sizeText),
  ]
    .join('\n')
    .trimEnd()
    .concat('\n');
}
