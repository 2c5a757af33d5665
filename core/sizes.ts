const prefixes = ['', 'K', 'M', 'G', 'T', 'P'];
const sizePattern = /^(\d{1,15})(?:([KMGTP])(iB|B)?|B)?$/;

/**
 * Bytes of a size such as `500M`, `4MiB`, `2GB` or `4096`. `K`, `KiB` and so on are powers of 1024,
 * `KB` and so on powers of 1000. Whole numbers only; undefined for any other text, or when the
 * result is no safe integer.
 */
export function parseSize(text: string): number | undefined {
  const match = sizePattern.exec(text);
  if (match?.[1] === undefined) return undefined;
  const base = match[3] === 'B' ? 1000 : 1024;
  const bytes = Number(match[1]) * base ** prefixes.indexOf(match[2] ?? '');
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** Bytes for people, to about three digits in powers of 1024: `512 B`, `4.0 MiB`, `117 GiB`. */
export function formatSize(bytes: number): string {
  let value = bytes;
  let step = 0;
  while (value >= 999.5 && step < prefixes.length - 1) {
    value /= 1024;
    step += 1;
  }
  if (step === 0) return `${value} B`;
  return `${value.toFixed(value < 99.95 ? 1 : 0)} ${prefixes[step]}iB`;
}
