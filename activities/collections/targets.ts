import { quoteName } from '../../core/ids';
import { parseMetadata } from '../../mongo/metadata-parse';
import { bucketsNamespace, longestNamespace, namespaceProblem } from '../../mongo/namespaces';
import type { ListedCollection } from '../../mongo/stage-plan';

/** A collection and where it goes. */
export interface Target {
  readonly source: string;
  readonly database: string;
  readonly name: string;
  readonly metadata: string;
}

/** What may give up its place to what is restored. */
export interface Permissions {
  /** Collections and views, by renames. */
  readonly replace: boolean;
  /** Time series: dropped before they are loaded. */
  readonly inPlace: boolean;
}

/**
 * Everything that keeps collections from being restored under their names, the names that are taken
 * and may be, and the time series that are dropped for it.
 */
export function targetProblems(
  collections: readonly Target[],
  live: readonly ListedCollection[],
  { replace, inPlace }: Permissions,
): {
  readonly problems: readonly string[];
  readonly taken: readonly string[];
  readonly inPlace: readonly string[];
} {
  const problems: string[] = [];
  const taken: string[] = [];
  const dropped: string[] = [];
  const seen = new Map<string, string>();
  for (const target of collections) {
    const { source, database, name } = target;
    const namespace = `${database}.${name}`;
    const twin = seen.get(namespace);
    seen.set(namespace, source);
    const found = live.find((one) => one.database === database && one.name === name);
    const isSeries = parseMetadata(target.metadata, source).type === 'timeseries';
    const problem =
      namespaceProblem(database, name) ??
      (isSeries ? bucketsProblem(namespace) : undefined) ??
      (twin === undefined ? undefined : `${twin} goes there, too`) ??
      seriesProblem(isSeries, found, inPlace) ??
      caseProblem(database, live);
    if (problem !== undefined) problems.push(`${quoteName(namespace)}: ${problem}`);
    else if (found?.type === 'timeseries') dropped.push(quoteName(namespace));
    else if (found !== undefined && replace) taken.push(quoteName(namespace));
    else if (found !== undefined) {
      const how = 'restore it under another name (--as), or pass --replace';
      problems.push(`${quoteName(namespace)}: it exists already; ${how}`);
    }
  }
  return { problems, taken, inPlace: dropped };
}

/** mongod can rename no time series: neither put one aside nor one in its place. */
function seriesProblem(
  isSeries: boolean,
  found: ListedCollection | undefined,
  inPlace: boolean,
): string | undefined {
  if (found === undefined) return undefined;
  if (isSeries && found.type === 'timeseries') {
    return inPlace
      ? undefined
      : 'it exists already, and mongod cannot rename a time series; restore it under another name (--as), or pass --in-place: then it is dropped before it is loaded, and there is no way back';
  }
  if (isSeries) {
    return 'it is a time series, and something else has its name; restore it under another name (--as)';
  }
  if (found.type === 'timeseries') {
    return 'a time series has its name, which mongod cannot rename; restore it under another name (--as)';
  }
  return undefined;
}

function bucketsProblem(namespace: string): string | undefined {
  return Buffer.byteLength(bucketsNamespace(namespace)) > longestNamespace
    ? 'the name is too long for a time series'
    : undefined;
}

/** mongod refuses a database whose name differs from another's in case only. */
function caseProblem(database: string, live: readonly ListedCollection[]): string | undefined {
  const other = live.find(
    (one) => one.database !== database && one.database.toLowerCase() === database.toLowerCase(),
  );
  return other === undefined
    ? undefined
    : `the database ${other.database} differs from it in case only`;
}
