import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { renderResults } from '../../bench/report';
import { mergeResults, readResults, type RecordedRow, type Results } from '../../bench/results';

const row = (title: string, value: string): RecordedRow => ({
  title,
  table: [],
  verdicts: [{ what: `${title} against a tool`, value }],
  notes: [],
  date: '2026-11-21T00:00:00.000Z',
  load: 0.5,
  rounds: 5,
});

const results = (machine: string, rows: Readonly<Record<string, RecordedRow[]>>): Results => ({
  v: 1,
  ground: { machine, mongod: '6.0', cacheBytes: 1e9, temporal: '1', peers: {} },
  sizes: Object.entries(rows).map(([size, found]) => ({
    size,
    data: { documents: 1, bytes: size === '5G' ? 5e9 : 5e8 },
    rows: found,
  })),
});

const titles = ['Dump', 'Load'];
const before = results('a', { '5G': [row('Load', '1x')], '500M': [row('Load', '2x')] });

describe('recorded results', () => {
  test('keep the rows of earlier runs, in the order of the page, and take the newer of two', () => {
    const now = results('a', { '500M': [row('Dump', '3x')], '5G': [row('Load', '4x')] });
    const merged = mergeResults(before, now, titles);
    const values = merged.sizes.map(({ size, rows }) => [
      size,
      ...rows.map(({ title, verdicts }) => `${title} ${verdicts[0]?.value}`),
    ]);
    expect(values).toEqual([
      ['500M', 'Dump 3x', 'Load 2x'],
      ['5G', 'Load 4x'],
    ]);
    const page = renderResults(merged);
    expect(page).toContain('### Load\n\n2026-11-21, 5 rounds, load average before it began 0.5.\n');
  });

  test('say what the documents came to, also after rows that need none', () => {
    const now = results('a', { '500M': [row('Dump', '3x')] });
    const few = now.sizes.map((size) => ({ ...size, data: { documents: 0, bytes: 0 } }));
    const [size] = mergeResults(before, { ...now, sizes: few }, titles).sizes;
    expect(size?.data).toEqual({ documents: 1, bytes: 5e8 });
  });

  test('of another machine are dropped', () => {
    const now = results('b', { '500M': [row('Dump', '3x')] });
    expect(mergeResults(before, now, titles)).toEqual(now);
  });

  test('are read back as they were written, and may be missing', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'hf-results-'));
    try {
      const path = join(directory, 'results.json');
      expect(await readResults(path)).toBeUndefined();
      await writeFile(path, JSON.stringify(before));
      expect(await readResults(path)).toEqual(before);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });
});
