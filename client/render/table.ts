/** How one column of a table is laid out. */
export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** Its cells hold sentences, which may be wrapped; of several the first is. */
  readonly flexible?: true;
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

/**
 * A table without borders: a line of titles, then a line a row; no blanks at the ends of lines. Where
 * it is wider than `width` cells its flexible column is wrapped, and where that is not enough each row
 * becomes its first cell on a line and the others below it. No word is ever broken: ids and digests
 * are there to be copied.
 */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width = Number.POSITIVE_INFINITY,
): string[] {
  const widths = columns.map(({ title }, index) =>
    Math.max(cellWidth(title), ...rows.map((row) => cellWidth(row[index] ?? ''))),
  );
  const all = [columns.map(({ title }) => title), ...rows];
  const over = widths.reduce((sum, each) => sum + each + gap.length, -gap.length) - width;
  if (over <= 0) return all.map((cells) => tableLine(columns, widths, cells));
  const wrapped = columns.findIndex(({ flexible }) => flexible === true);
  const left = (widths[wrapped] ?? 0) - over;
  if (left < narrowest) return all.flatMap((cells) => stacked(cells, width));
  widths[wrapped] = left;
  return all.flatMap((cells) =>
    wrap(cells[wrapped] ?? '', left).map((part, line) =>
      tableLine(
        columns,
        widths,
        cells.map((cell, index) => (index === wrapped ? part : line === 0 ? cell : '')),
      ),
    ),
  );
}

const gap = '  ';
/** Cells: a text that is wrapped to less is not read with ease. */
const narrowest = 20;

function tableLine(
  columns: readonly Column[],
  widths: readonly number[],
  cells: readonly string[],
): string {
  return columns
    .map(({ align }, index) => pad(cells[index] ?? '', widths[index] ?? 0, align ?? 'left'))
    .join(gap)
    .trimEnd();
}

/** A row whose cells stand one after the other, wrapped between cells first. */
function stacked([first = '', ...others]: readonly string[], width: number): string[] {
  const lines: string[] = [];
  for (const cell of others.filter((each) => each !== '')) {
    const last = lines.at(-1);
    const joined = `${last ?? ''}${gap}${cell}`;
    if (last !== undefined && cellWidth(joined) <= width) lines[lines.length - 1] = joined;
    else lines.push(...wrap(cell, width - gap.length).map((line) => gap + line));
  }
  return [first, ...lines];
}

/** Lines of at most `width` cells, broken at blanks; a longer word has a line of its own. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    const joined = `${last ?? ''} ${word}`;
    if (last !== undefined && cellWidth(joined) <= width) lines[lines.length - 1] = joined;
    else lines.push(word);
  }
  return lines;
}

function pad(text: string, width: number, align: 'left' | 'right'): string {
  const blanks = ' '.repeat(Math.max(0, width - cellWidth(text)));
  return align === 'right' ? blanks + text : text + blanks;
}

/**
 * `name: value` lines with the values below each other, for blocks of metadata. A value that `width`
 * cells don't hold is wrapped, below its name where there is no room beside it.
 */
export function renderFacts(
  facts: readonly (readonly [name: string, value: string])[],
  width = Number.POSITIVE_INFINITY,
): string[] {
  const names = Math.max(0, ...facts.map(([name]) => cellWidth(name))) + 2;
  return facts.flatMap(([name, value]) => {
    const line = `${pad(`${name}:`, names, 'left')}${value}`.trimEnd();
    if (cellWidth(line) <= width) return [line];
    const beside = width - names >= narrowest;
    const lines = wrap(value, beside ? width - names : width - gap.length);
    if (!beside) return [`${name}:`, ...lines.map((each) => gap + each)];
    return lines.map((each, index) => pad(index === 0 ? `${name}:` : '', names, 'left') + each);
  });
}
