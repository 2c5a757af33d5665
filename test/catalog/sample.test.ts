import { longestUnproven, type Provable } from '../../catalog/sample';

const day = 24 * 3_600_000;

/** Runs of one sample a day: what is proven by a run counts from then on. */
function runDays(
  days: number,
  percent: number,
  storage: { at(day: number): Iterable<string> },
): { readonly gaps: Map<string, number>; readonly chosen: string[][] } {
  const proven = new Map<string, number>();
  const gaps = new Map<string, number>();
  const chosen: string[][] = [];
  for (let today = 0; today < days; today += 1) {
    const ids = [...storage.at(today)];
    // A backup that was committed today has been read back.
    for (const id of ids) if (!proven.has(id)) proven.set(id, today);
    const backups: Provable[] = ids.map((id) => ({ id, proven: (proven.get(id) ?? 0) * day }));
    const turn = longestUnproven(backups, percent).map(({ id }) => id);
    chosen.push(turn);
    for (const id of turn) proven.set(id, today);
    for (const id of ids) {
      const gap = today - (proven.get(id) ?? 0);
      gaps.set(id, Math.max(gaps.get(id) ?? 0, gap));
    }
  }
  return { gaps, chosen };
}

const named = (numbers: readonly number[]): string[] =>
  numbers.map((n) => `b${String(n).padStart(4, '0')}`);
const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, n) => from + n);

describe('the backups whose turn it is', () => {
  it.each([
    ['ten backups that stay', 5, () => named(range(0, 10))],
    ['two hundred that stay', 5, () => named(range(0, 200))],
    ['one that is new each day and one that goes', 5, (d: number) => named(range(d, d + 30))],
    ['one each hour, kept for a week', 5, (d: number) => named(range(24 * d, 24 * d + 168))],
    [
      'a tenth that stays for ever among hourly ones',
      5,
      (d: number) => [...named(range(0, 20)), ...named(range(1_000 + 24 * d, 1_168 + 24 * d))],
    ],
    ['fifty, at 3.4%', 3.4, () => named(range(0, 50))],
  ])('read every one within 100/P days: %s', (_what, percent, at) => {
    const { gaps } = runDays(90, percent, { at });
    expect(Math.max(...gaps.values())).toBeLessThanOrEqual(Math.ceil(100 / percent));
  });

  it('are the same for the same storage, in whatever order it is listed', () => {
    const backups = named(range(0, 40)).map((id, n) => ({ id, proven: (n % 7) * day }));
    const chosen = longestUnproven(backups, 20);
    expect(longestUnproven(backups.toReversed(), 20)).toEqual(chosen);
    expect(chosen).toHaveLength(8);
    expect(chosen.every(({ proven }) => proven <= day)).toBe(true);
  });

  it('are at least one where there is one, and all of them at 100%', () => {
    expect(longestUnproven([{ id: 'a', proven: 0 }], 0.001)).toHaveLength(1);
    expect(longestUnproven([], 5)).toEqual([]);
    const backups = named(range(0, 33)).map((id) => ({ id, proven: 0 }));
    expect(longestUnproven(backups, 100)).toHaveLength(33);
  });
});
