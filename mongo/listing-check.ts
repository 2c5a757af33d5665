import type { ListedCollection } from './collections';
import { DumpVoidError, type BoundCollection } from './dump-contract';
import type { WindowChanges } from './window-entries';

/** Collections that one listing has and the other lacks, as `db.name (uuid)`. */
export interface ListingChange {
  readonly gone: string[];
  readonly made: string[];
}

type Listed = Pick<BoundCollection, 'database' | 'name' | 'dataUuid'>;

const keyOf = ({ database, name, dataUuid }: Listed): string => `${database}.${name} (${dataUuid})`;

/** What changed between two listings. Views have no UUID and are in the oplog, with their definition. */
export function changedCollections(
  before: readonly Listed[],
  now: readonly ListedCollection[],
): ListingChange {
  const keys = (listed: readonly Listed[]): Set<string> =>
    new Set(listed.filter(({ dataUuid }) => dataUuid !== undefined).map(keyOf));
  const old = keys(before);
  const found = keys(now);
  return {
    gone: [...old].filter((key) => !found.has(key)),
    made: [...found].filter((key) => !old.has(key)),
  };
}

const uuidOf = (key: string): string => key.slice(-33, -1);

/**
 * Every collection that went or came during a dump must have done so in its window.
 *
 * @throws DumpVoidError for one that did not
 */
export function rejectUnexplained({ gone, made }: ListingChange, changes: WindowChanges): void {
  for (const key of gone) {
    const [database = ''] = key.split('.', 1);
    if (changes.dropped.has(uuidOf(key)) || changes.droppedDatabases.has(database)) continue;
    throw new DumpVoidError(`${key} went away and the oplog does not say why`);
  }
  for (const key of made) {
    if (changes.created.has(uuidOf(key))) continue;
    throw new DumpVoidError(`${key} appeared and the oplog does not say how`);
  }
}
