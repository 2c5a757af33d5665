import { createHash } from 'node:crypto';
import { isExcludedNamespace } from '../core/ids';

/** Longest escaped name that mongodump writes as it is, bytes. */
const longestFileName = 238;
const keptOfLongName = 208;

/**
 * File name of a collection as mongodump forms it (Go's `url.QueryEscape`): letters, digits and
 * `-_.~` stay, a space becomes `+`, every other UTF-8 byte `%XX`. An escaped name of more than 238
 * bytes keeps its first 208, followed by `%24` and the SHA-1 of the raw name in unpadded base64url;
 * its true name then stands only in the metadata.
 */
export function escapeCollectionName(name: string): string {
  const escaped = encodeURIComponent(name)
    .replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
    .replace(/%20/g, '+');
  if (escaped.length <= longestFileName) return escaped;
  const digest = createHash('sha1').update(name).digest('base64url');
  return `${escaped.slice(0, keptOfLongName)}%24${digest}`;
}

/** Whether a file name stands for a name that was too long: the true one is in its metadata. */
export function isShortenedFileName(base: string): boolean {
  return base.length === longestFileName && base.includes('%24');
}

/**
 * The collection a file name of mongodump stands for; undefined for a shortened or malformed one.
 * The inverse of {@link escapeCollectionName} for every name that is not shortened.
 */
export function unescapeCollectionName(base: string): string | undefined {
  if (isShortenedFileName(base)) return undefined;
  try {
    return decodeURIComponent(base.replace(/\+/g, ' '));
  } catch {
    return undefined;
  }
}

/** Files of a collection below the dump's root. Views have no data file. */
export interface DumpFileNames {
  readonly metadata: string;
  readonly data?: string;
}

/** Prefix of the collections that hold a time series' data. */
export const bucketsPrefix = 'system.buckets.';

/** The time series whose buckets a namespace names; the namespace itself when it is no such one. */
export function seriesOf(namespace: string): string {
  const { database, collection } = splitNamespace(namespace);
  return collection.startsWith(bucketsPrefix)
    ? `${database}.${collection.slice(bucketsPrefix.length)}`
    : namespace;
}

/** Namespace of a time series' buckets. */
export function bucketsNamespace(series: string): string {
  const { database, collection } = splitNamespace(series);
  return `${database}.${bucketsPrefix}${collection}`;
}

/** `db/name.bson` and `db/name.metadata.json`; a time series' data is in `db/system.buckets.name.bson`. */
export function dumpFileNames(
  database: string,
  collection: string,
  type: 'collection' | 'view' | 'timeseries',
): DumpFileNames {
  const metadata = `${database}/${escapeCollectionName(collection)}.metadata.json`;
  if (type === 'view') return { metadata };
  const holder = type === 'timeseries' ? `${bucketsPrefix}${collection}` : collection;
  return { metadata, data: `${database}/${escapeCollectionName(holder)}.bson` };
}

/** Whether a database's collections are dumped, replayed, swapped and compared. */
export function isIncludedDatabase(database: string): boolean {
  return !isExcludedNamespace(database) && !database.startsWith('__mdb_internal');
}

/**
 * Whether a collection is dumped: as mongodump decides (`system.*` except `system.js`, names with
 * `$`), less what Holdfast never touches. The buckets of a time series go with the time series.
 */
export function isDumpedCollection(database: string, collection: string): boolean {
  if (!isIncludedDatabase(database) || isExcludedNamespace(database, collection)) return false;
  if (collection === 'system.js') return true;
  return !collection.startsWith('system.') && !collection.includes('$');
}

/** Longest name of a database, bytes (mongod 4.4 and later). */
const longestDatabase = 63;
/** Longest name of database and collection together, bytes (mongod 4.4 and later). */
export const longestNamespace = 255;

/**
 * Why no restore may make a collection, as words behind its name; undefined when it may. The rules are
 * those of mongod on Linux, which has fewer than the manual. A stage has a short name of its own, so mongod itself would refuse the true one only at the swap.
 */
export function namespaceProblem(database: string, collection: string): string | undefined {
  if (database === '' || /[/\\. "$\0]/.test(database)) return 'mongod has no such database name';
  if (Buffer.byteLength(database) > longestDatabase) return 'the database name is too long';
  if (/[$\0]|^$|^\./.test(collection)) return 'mongod has no such collection name';
  if (Buffer.byteLength(`${database}.${collection}`) > longestNamespace)
    return 'the name is too long';
  return isDumpedCollection(database, collection)
    ? undefined
    : 'the server or Holdfast keeps its own there';
}

/** Database and collection of `db.collection`; the collection is empty for a bare database name. */
export function splitNamespace(namespace: string): { database: string; collection: string } {
  const dot = namespace.indexOf('.');
  if (dot < 0) return { database: namespace, collection: '' };
  return { database: namespace.slice(0, dot), collection: namespace.slice(dot + 1) };
}

/**
 * Whether an oplog entry on this namespace is none of Holdfast's business. Commands carry
 * `db.$cmd`, where only the database decides; noops carry an empty namespace and are included.
 */
export function isExcludedEntryNamespace(namespace: string): boolean {
  if (namespace === '') return false;
  const { database, collection } = splitNamespace(seriesOf(namespace));
  return !isIncludedDatabase(database) || isExcludedNamespace(database, collection);
}
