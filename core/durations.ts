const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
] as const;

const durationPattern =
  /^(?:(?<d>\d{1,9})d)?(?:(?<h>\d{1,9})h)?(?:(?<m>\d{1,9})m)?(?:(?<s>\d{1,9})s)?(?:(?<ms>\d{1,9})ms)?$/;

/**
 * Milliseconds of a duration such as `30s`, `24h`, `1h30m` or `250ms`: whole numbers, each with its
 * unit (d, h, m, s, ms), largest first, without spaces. Undefined for any other text.
 */
export function parseDuration(text: string): number | undefined {
  const groups = durationPattern.exec(text)?.groups;
  if (groups === undefined || text === '') return undefined;
  return units.reduce((sum, [unit, factor]) => sum + Number(groups[unit] ?? 0) * factor, 0);
}

/** A duration in milliseconds as `parseDuration` reads it: `1h30m`, `30s`, `0s`. */
export function formatDuration(milliseconds: number): string {
  let rest = Math.round(milliseconds);
  const parts: string[] = [];
  for (const [unit, factor] of units) {
    const count = Math.floor(rest / factor);
    if (count > 0) parts.push(`${count}${unit}`);
    rest -= count * factor;
  }
  return parts.length === 0 ? '0s' : parts.join('');
}
