import {
  hasRules,
  lastGoodAmong,
  planPrune,
  sweepAfter,
  type KeepRules,
  type PrunedBackup,
} from '../../catalog/retention';

const now = Date.parse('2026-11-21T12:00:00Z');
const day = 24 * 3_600_000;

function backup(at: string, changes: Partial<PrunedBackup> = {}): PrunedBackup {
  return {
    id: at,
    status: 'complete',
    at: Date.parse(at),
    size: 1,
    safety: false,
    partial: false,
    restorable: true,
    pinned: false,
    ...changes,
  };
}

const date = (daysAgo: number, time = '03:00'): string =>
  `${new Date(now - daysAgo * day).toISOString().slice(0, 10)}T${time}:00Z`;

function removed(backups: readonly PrunedBackup[], rules: KeepRules): string[] {
  return planPrune(backups, rules, now)
    .filter(({ action }) => action === 'remove')
    .map(({ id }) => id);
}

function kept(backups: readonly PrunedBackup[], rules: KeepRules): string[] {
  return planPrune(backups, rules, now)
    .filter(({ action }) => action === 'keep')
    .map(({ id }) => id);
}

const hundredDays = Array.from({ length: 100 }, (_, n) => backup(date(n)));

describe('rules', () => {
  it('last keeps the newest so many', () => {
    expect(kept(hundredDays, { last: 3 })).toEqual([date(0), date(1), date(2)]);
  });

  it('daily keeps the newest of each day, and passes over days without one', () => {
    const backups = [
      date(0, '01:00'),
      date(0, '09:00'),
      date(1, '05:00'),
      date(1, '04:00'),
      date(5),
    ];
    expect(
      kept(
        backups.map((at) => backup(at)),
        { daily: 3 },
      ),
    ).toEqual([date(0, '09:00'), date(1, '05:00'), date(5)]);
  });

  it('weekly keeps the newest of each week, which begins on Monday', () => {
    // 2026-11-21 is a Saturday.
    expect(kept(hundredDays, { weekly: 3 })).toEqual([date(0), date(6), date(13)]);
  });

  it('monthly and yearly keep the newest of each month and year', () => {
    expect(kept(hundredDays, { monthly: 2 })).toEqual([date(0), '2026-10-31T03:00:00Z']);
    const years = ['2026-03-01T00:00:00Z', '2025-12-31T23:59:59Z', '2025-01-01T00:00:00Z'];
    expect(
      kept(
        years.map((at) => backup(at)),
        { yearly: 5 },
      ),
    ).toEqual(years.slice(0, 2));
  });

  it('are added up, and every reason is told', () => {
    const plan = planPrune(hundredDays, { last: 1, daily: 7, monthly: 12 }, now);
    expect(plan[0]?.reasons).toEqual([
      'the last good one',
      'the newest',
      'newest of day 2026-11-21',
      'newest of month 2026-11',
    ]);
    expect(plan.filter(({ action }) => action === 'keep')).toHaveLength(7 + 3);
  });

  it('an age keeps all that is younger, and alone removes all that is older', () => {
    expect(kept(hundredDays, { olderThan: 30 * day })).toHaveLength(30);
    expect(removed(hundredDays, { olderThan: 30 * day })).toHaveLength(70);
    expect(kept(hundredDays, { olderThan: 30 * day, monthly: 12 })).toHaveLength(32);
  });

  it('are there when one is named, even one that keeps nothing', () => {
    expect([hasRules({}), hasRules({ last: 0 }), hasRules({ olderThan: 1 })]).toEqual([
      false,
      true,
      true,
    ]);
  });

  it('give the same plan whatever the order of the backups', () => {
    const rules = { last: 2, weekly: 4 };
    expect(planPrune(hundredDays.toReversed(), rules, now)).toEqual(
      planPrune(hundredDays, rules, now),
    );
  });
});

describe('what is never removed', () => {
  it('the last good one, whatever the rules', () => {
    expect(kept([backup(date(400)), backup(date(500))], { last: 0 })).toEqual([date(400)]);
    expect(kept([backup(date(400))], { olderThan: day })).toEqual([date(400)]);
  });

  it('the last one with the files of all hosts, besides the last partial one', () => {
    const backups = [
      backup(date(1), { partial: true }),
      backup(date(2), { partial: true }),
      backup(date(3)),
    ];
    expect(removed(backups, { last: 0 })).toEqual([date(2)]);
  });

  it.each<[string, Partial<PrunedBackup>, string]>([
    ['a pinned one', { pinned: true }, 'pinned'],
    ['one that is read', { inUse: 'a restore' }, 'a restore reads it'],
    ['a safety copy', { safety: true }, 'safety copy'],
    ['a damaged one', { status: 'damaged' }, 'damaged'],
    ['one of an unknown kind', { restorable: false }, 'kind'],
  ])('%s', (_, changes, reason) => {
    const plan = planPrune([backup(date(0)), backup(date(300), changes)], { last: 1 }, now);
    expect(plan[1]?.action).toBe('keep');
    expect(plan[1]?.reasons.join()).toContain(reason);
  });
});

describe('what does not count', () => {
  it.each<[string, Partial<PrunedBackup>]>([
    ['safety copies', { safety: true }],
    ['damaged ones', { status: 'damaged' }],
    ['incomplete ones', { status: 'incomplete' }],
    ['unknown kinds', { restorable: false }],
  ])('%s take no place of a good one', (_, changes) => {
    const backups = [backup(date(0), changes), backup(date(1)), backup(date(2)), backup(date(3))];
    expect(removed(backups, { last: 2 })).toEqual([date(3)]);
    expect(removed(backups, { daily: 2 })).toEqual([date(3)]);
  });

  it('pinned ones do count, so that pinning keeps no more than it says', () => {
    const backups = [backup(date(0), { pinned: true }), backup(date(1)), backup(date(2))];
    expect(removed(backups, { last: 2 })).toEqual([date(2)]);
  });
});

describe('incomplete backups', () => {
  const unfinished = (age: number, changes: Partial<PrunedBackup> = {}) =>
    backup(date(2), { status: 'incomplete', at: now - age, ...changes });

  it('are swept a day after their last change, whatever the rules', () => {
    const actions = [sweepAfter - 1, sweepAfter].map(
      (age) => planPrune([unfinished(age)], { last: 9 }, now)[0]?.action,
    );
    expect(actions).toEqual(['keep', 'sweep']);
  });

  it('are kept while something writes or reads them', () => {
    const plan = planPrune([unfinished(9 * day, { inUse: 'a backup' })], { last: 1 }, now);
    expect(plan[0]?.action).toBe('keep');
  });
});

test('no backups give an empty plan', () => {
  expect(planPrune([], { last: 1 }, now)).toEqual([]);
});

describe('backups that are removed by their ids', () => {
  const damaged = backup(date(0), { status: 'damaged' });
  const incomplete = backup(date(1), { status: 'incomplete' });
  const newer = backup(date(2));
  const older = backup(date(3));
  const all = [damaged, incomplete, newer, older];

  it('may be any, the newest too, as long as a good one is left', () => {
    expect(lastGoodAmong(all, [damaged.id, incomplete.id, newer.id])).toBeUndefined();
    expect(lastGoodAmong(all, [older.id])).toBeUndefined();
  });

  it('are never all good ones: the newest of them is named', () => {
    expect(lastGoodAmong(all, [newer.id, older.id])).toBe(newer.id);
    expect(lastGoodAmong([damaged, older], [older.id])).toBe(older.id);
    const safety = backup(date(0), { safety: true });
    expect(lastGoodAmong([safety, older], [older.id])).toBe(older.id);
  });

  it('may be all there are, where none is good', () => {
    expect(lastGoodAmong([damaged, incomplete], [damaged.id, incomplete.id])).toBeUndefined();
  });

  it('are never all that have the files of all hosts', () => {
    const partial = backup(date(0), { partial: true });
    expect(lastGoodAmong([partial, newer, older], [newer.id, older.id])).toBe(newer.id);
    expect(lastGoodAmong([partial, newer, older], [partial.id, newer.id])).toBeUndefined();
    expect(lastGoodAmong([partial], [partial.id])).toBe(partial.id);
  });
});
