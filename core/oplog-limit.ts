/** A moment of an oplog: seconds since 1970, and the number of the entry within the second. */
export interface OplogMoment {
  readonly t: number;
  readonly i: number;
}

const pattern = /^(\d{1,10})(?::(\d{1,10}))?$/;
const most = 0xffff_ffff;

/** Reads `SECONDS[:ORDINAL]`, as mongorestore's `--oplogLimit`; undefined when it is none. */
export function parseOplogMoment(text: string): OplogMoment | undefined {
  const match = pattern.exec(text);
  if (match === null) return undefined;
  const [t, i] = [Number(match[1]), Number(match[2] ?? 0)];
  return t > most || i > most ? undefined : { t, i };
}

/** Negative when `a` comes before `b`, 0 when they are the same. */
export function compareMoments(a: OplogMoment, b: OplogMoment): number {
  return a.t === b.t ? a.i - b.i : a.t - b.t;
}
