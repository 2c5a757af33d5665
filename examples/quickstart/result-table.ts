import { documentsOf, type Snapshot } from './proof';

interface Result {
  readonly before: Snapshot;
  readonly destroyed: Snapshot;
  readonly after: Snapshot;
  /** Differences between before and after. */
  readonly found: readonly string[];
  /** The agent has connected again by itself. */
  readonly back: boolean;
  readonly downtime: string;
  readonly ui: string;
}

const mostShown = 20;

/** What was before, what the accident left, and what is there now. */
export function resultTable({
  before,
  destroyed,
  after,
  found,
  back,
  downtime,
  ui,
}: Result): string {
  const all = [before, destroyed, after];
  const number = (value: number): string => value.toLocaleString('en-US');
  const rows = [
    ['', 'before', 'destroyed', 'restored'],
    ['collections', ...all.map(({ database }) => number(database.collections.length))],
    ['documents', ...all.map((each) => number(documentsOf(each)))],
    [
      'files',
      ...all.map(({ files }) => number(files.filter(({ type }) => type === 'file').length)),
    ],
    ['agent', 'connected', 'lost', back ? 'connected' : 'LOST'],
  ];
  const lines = rows.map(([name = '', ...cells]) =>
    `${name.padEnd(12)}${cells.map((cell) => cell.padStart(12)).join('')}`.trimEnd(),
  );
  const verdict =
    found.length === 0
      ? 'No difference: documents, indexes, options, views, users, file bytes, modes, owners and links.'
      : [`${found.length} DIFFERENCES:`, ...found.slice(0, mostShown)].join('\n  ');
  return `\n${lines.join('\n')}\n\n${verdict}\nThe controller was away for ${downtime}.\nTemporal's Web UI: ${ui}\n`;
}
