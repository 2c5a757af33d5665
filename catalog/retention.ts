import type { PruneRules } from '../core/messages';

/**
 * What is to be kept; each rule keeps for itself, and what none keeps is removed. `last`: the newest
 * so many. `daily`, `weekly` (from Monday), `monthly`, `yearly`: the newest of each of the last so many
 * periods that have one, in UTC. `olderThan`: nothing younger is removed; alone, all that is older is.
 */
export type KeepRules = PruneRules;

/** What a plan has to know of a backup. */
export interface PrunedBackup {
  readonly id: string;
  readonly status: 'complete' | 'incomplete' | 'damaged';
  /** Milliseconds since the epoch; of an incomplete one its newest change. */
  readonly at: number;
  /** Bytes. */
  readonly size: number;
  readonly safety: boolean;
  readonly partial: boolean;
  /** False for a kind that this version doesn't know. */
  readonly restorable: boolean;
  readonly pinned: boolean;
  /** What reads it now, such as `a restore`. */
  readonly inUse?: string | undefined;
}

/** What happens to one backup, and why. */
export interface PruneDecision {
  readonly id: string;
  readonly action: 'keep' | 'remove' | 'sweep';
  readonly reasons: readonly string[];
  readonly size: number;
}

/** Milliseconds after which an incomplete backup that nobody writes any more is swept. */
export const sweepAfter = 24 * 3_600_000;

const day = 24 * 3_600_000;

/** The UTC Monday that a moment's week begins with. */
function weekOf(at: number): string {
  const weekday = (new Date(at).getUTCDay() + 6) % 7;
  return new Date(at - weekday * day).toISOString().slice(0, 10);
}

const periods = [
  ['daily', 'day', (at: number) => new Date(at).toISOString().slice(0, 10)],
  ['weekly', 'week of', weekOf],
  ['monthly', 'month', (at: number) => new Date(at).toISOString().slice(0, 7)],
  ['yearly', 'year', (at: number) => new Date(at).toISOString().slice(0, 4)],
] as const;

/** Whether a rule keeps anything at all, or an age was named: otherwise everything would go. */
export function hasRules(rules: KeepRules): boolean {
  return Object.values(rules).some((rule) => rule !== undefined);
}

function keptByRules(counted: readonly PrunedBackup[], rules: KeepRules): Map<string, string[]> {
  const kept = new Map<string, string[]>(counted.map(({ id }) => [id, []]));
  counted.slice(0, rules.last ?? 0).forEach(({ id }, n) => {
    kept.get(id)?.push(n === 0 ? 'the newest' : `one of the ${rules.last} newest`);
  });
  for (const [rule, word, periodOf] of periods) {
    const seen = new Set<string>();
    for (const { id, at } of counted) {
      const period = periodOf(at);
      if (seen.has(period)) continue;
      if (seen.size >= (rules[rule] ?? 0)) break;
      seen.add(period);
      kept.get(id)?.push(`newest of ${word} ${period}`);
    }
  }
  return kept;
}

function protection(backup: PrunedBackup, good: ReadonlySet<string>): string[] {
  return [
    ...(backup.pinned ? ['pinned'] : []),
    ...(backup.inUse === undefined ? [] : [`${backup.inUse} reads it`]),
    ...(good.has(backup.id) ? ['the last good one'] : []),
    ...(backup.safety ? ['safety copy, never counted'] : []),
    ...(backup.status === 'damaged' ? ['damaged, never counted: look at it'] : []),
    ...(backup.restorable || backup.status !== 'complete'
      ? []
      : ['of a kind that this version does not know']),
  ];
}

function inOrder(backups: readonly PrunedBackup[]): PrunedBackup[] {
  return backups.toSorted((a, b) => b.at - a.at || (a.id < b.id ? 1 : -1));
}

/** Only complete backups that are no safety copies count. */
function counts({ status, safety, restorable }: PrunedBackup): boolean {
  return status === 'complete' && !safety && restorable;
}

/** The newest good backup and, when that is partial, the newest that is not. */
function newestGood(backups: readonly PrunedBackup[]): PrunedBackup[] {
  const counted = inOrder(backups).filter(counts);
  const whole = counted.find(({ partial }) => !partial);
  return [...new Set([counted[0], whole])].filter((backup) => backup !== undefined);
}

/**
 * The backup without which nothing good would be left, or nothing that has the files of all hosts,
 * when these are removed; undefined when enough is left.
 */
export function lastGoodAmong(
  backups: readonly PrunedBackup[],
  ids: readonly string[],
): string | undefined {
  const left = backups.filter(({ id }) => !ids.includes(id));
  const kept = newestGood(left);
  return newestGood(backups).find(
    ({ partial }) => kept.length === 0 || (!partial && kept.every((backup) => backup.partial)),
  )?.id;
}

/**
 * What prune would do with every backup of a controller, newest first. Only complete backups that are
 * no safety copies count, so an unfinished or damaged one never takes the place of a good one. Never
 * removed: what is pinned, what a restore or verification reads, the newest good one (and, when that
 * is partial, the newest that is not), safety copies, damaged ones, unknown kinds. Incomplete ones
 * are swept apart, a day after their last change. Pure: the same input gives the same plan.
 *
 * @param now milliseconds since the epoch
 */
export function planPrune(
  backups: readonly PrunedBackup[],
  rules: KeepRules,
  now: number,
): readonly PruneDecision[] {
  const newestFirst = inOrder(backups);
  const counted = newestFirst.filter(counts);
  const good = new Set(newestGood(backups).map(({ id }) => id));
  const kept = keptByRules(counted, rules);
  return newestFirst.map((backup): PruneDecision => {
    const { id, size, at } = backup;
    if (backup.status === 'incomplete') {
      const old = now - at >= sweepAfter;
      const held = protection(backup, good);
      if (held.length > 0) return { id, size, action: 'keep', reasons: held };
      return old
        ? { id, size, action: 'sweep', reasons: ['incomplete, unchanged for more than a day'] }
        : { id, size, action: 'keep', reasons: ['incomplete: it may still be written'] };
    }
    const young =
      rules.olderThan !== undefined && now - at < rules.olderThan ? ['younger than asked for'] : [];
    const reasons = [...protection(backup, good), ...(kept.get(id) ?? []), ...young];
    return reasons.length > 0
      ? { id, size, action: 'keep', reasons }
      : { id, size, action: 'remove', reasons: ['no rule keeps it'] };
  });
}
