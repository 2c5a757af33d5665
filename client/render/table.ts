/** How one column of a table is laid out. */
export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
}

/**
 * How many terminal cells a text takes: East Asian wide characters and emoji take two, combining
 * marks none.
 */
export function cellWidth(text: string): number {
  let width = 0;
  for (const character of text) {
    if (/^[\p{Mn}\p{Me}\p{Cf}]$/u.test(character)) continue;
    width += isWide(character.codePointAt(0) ?? 0) ? 2 : 1;
  }
  return width;
}

/** Unicode's East Asian Width W and F, by blocks. */
function isWide(code: number): boolean {
  return (
    (code >= 0x1100 && code <= 0x115f) ||
    (code >= 0x2e80 && code <= 0xa4cf && code !== 0x303f) ||
    (code >= 0xac00 && code <= 0xd7a3) ||
    (code >= 0xf900 && code <= 0xfaff) ||
    (code >= 0xfe30 && code <= 0xfe6f) ||
    (code >= 0xff00 && code <= 0xff60) ||
    (code >= 0xffe0 && code <= 0xffe6) ||
    (code >= 0x1f300 && code <= 0x1faff) ||
    (code >= 0x20000 && code <= 0x3fffd)
  );
}

/** Cuts a text to at most `cells` cells, the last of which is then `…`. */
export function fitCells(text: string, cells: number): string {
  if (cellWidth(text) <= cells) return text;
  let fitted = '';
  let width = 0;
  for (const character of text) {
    width += cellWidth(character);
    if (width > cells - 1) break;
    fitted += character;
  }
  return cells > 0 ? `${fitted}…` : '';
}

/** A table without borders: a line of titles, then a line a row; no blanks at the ends of lines. */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
): string[] {
  const widths = columns.map(({ title }, index) =>
    Math.max(cellWidth(title), ...rows.map((row) => cellWidth(row[index] ?? ''))),
  );
  const line = (cells: readonly string[]): string =>
    columns
      .map(({ align }, index) => pad(cells[index] ?? '', widths[index] ?? 0, align ?? 'left'))
      .join('  ')
      .trimEnd();
  return [line(columns.map(({ title }) => title)), ...rows.map(line)];
}

function pad(text: string, width: number, align: 'left' | 'right'): string {
  const blanks = ' '.repeat(Math.max(0, width - cellWidth(text)));
  return align === 'right' ? blanks + text : text + blanks;
}

/** `name: value` lines with the values below each other, for blocks of metadata. */
export function renderFacts(facts: readonly (readonly [name: string, value: string])[]): string[] {
  const width = Math.max(0, ...facts.map(([name]) => cellWidth(name)));
  return facts.map(([name, value]) => `${pad(`${name}:`, width + 1, 'left')} ${value}`.trimEnd());
}
