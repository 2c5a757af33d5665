import { quoteName } from '../../core/ids';
import { parseMetadata } from '../../mongo/metadata-parse';
import { namespaceProblem } from '../../mongo/namespaces';
import type { ListedCollection } from '../../mongo/stage-plan';

/** A collection and where it goes. */
export interface Target {
  readonly source: string;
  readonly database: string;
  readonly name: string;
  readonly metadata: string;
}

/**
 * Everything that keeps collections from being restored under their names, and the names that are
 * taken and may be: `replace`.
 */
export function targetProblems(
  collections: readonly Target[],
  live: readonly ListedCollection[],
  replace: boolean,
): { readonly problems: readonly string[]; readonly taken: readonly string[] } {
  const problems: string[] = [];
  const taken: string[] = [];
  const seen = new Map<string, string>();
  for (const target of collections) {
    const { source, database, name } = target;
    const namespace = `${database}.${name}`;
    const twin = seen.get(namespace);
    seen.set(namespace, source);
    const found = live.find((one) => one.database === database && one.name === name);
    const problem =
      namespaceProblem(database, name) ??
      (twin === undefined ? undefined : `${twin} goes there, too`) ??
      seriesProblem(target, found) ??
      caseProblem(database, live);
    if (problem !== undefined) problems.push(`${quoteName(namespace)}: ${problem}`);
    else if (found !== undefined && replace) taken.push(quoteName(namespace));
    else if (found !== undefined) {
      const how = 'restore it under another name (--as), or pass --replace';
      problems.push(`${quoteName(namespace)}: it exists already; ${how}`);
    }
  }
  return { problems, taken };
}

function seriesProblem(
  { source, metadata }: Target,
  found: ListedCollection | undefined,
): string | undefined {
  if (found?.type === 'timeseries' || parseMetadata(metadata, source).type === 'timeseries') {
    return 'it is a time series, which mongod cannot rename, so it cannot be restored beside others';
  }
  return undefined;
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
