import type { IndexFile } from '../../archive/index-line';
import { dumpDir, oplogFile } from '../../archive/paths';
import { HoldfastError } from '../../core/errors';
import { quoteName } from '../../core/ids';
import { parseMetadata } from '../../mongo/metadata-parse';
import { dumpFileNames } from '../../mongo/namespaces';
import type { DumpedCollection } from '../../mongo/stage-plan';
import type { LocalArchive } from './local-archive';

/** A collection of the archive, and where its data lies; views have none. */
export interface ArchivedCollection extends DumpedCollection {
  readonly data: IndexFile | undefined;
}

/** The dump inside an archive. */
export interface ArchivedDump {
  readonly collections: readonly ArchivedCollection[];
  readonly oplog: IndexFile | undefined;
}

const metadataSuffix = '.metadata.json';
const dataSuffix = '.bson';

/**
 * Reads which collections an archive holds: one `metadata.json` each, with its `.bson` beside it.
 * @throws HoldfastError HF-ARCHIVE-001 naming metadata that can't be read or is of another collection
 * than its file name says, and either of the two files without the other.
 */
export async function readArchivedDump(
  archive: LocalArchive,
  signal: AbortSignal,
): Promise<ArchivedDump> {
  const data = new Map<string, IndexFile>();
  const metadata: IndexFile[] = [];
  let oplog: IndexFile | undefined;
  for await (const line of archive.lines(signal)) {
    if (line.type !== 'file' || !line.path.startsWith(`${dumpDir}/`)) continue;
    if (line.path === oplogFile) oplog = line;
    else if (line.path.endsWith(metadataSuffix)) metadata.push(line);
    else if (line.path.endsWith(dataSuffix)) data.set(line.path, line);
  }
  const collections: ArchivedCollection[] = [];
  for (const line of metadata) {
    const text = (await archive.whole(line, signal)).toString('utf8');
    const { database, name, dataPath } = namesOf(archive.name, line.path, text);
    const entry = dataPath === undefined ? undefined : data.get(dataPath);
    if (dataPath !== undefined && !data.delete(dataPath)) {
      throw damaged(archive.name, line.path, 'the documents of its collection are not there');
    }
    collections.push({
      database,
      name,
      metadata: text,
      documents: entry?.documents ?? 0,
      bytes: entry?.size ?? 0,
      data: entry,
    });
  }
  for (const path of data.keys()) {
    throw damaged(archive.name, path, 'no metadata says what its collection is');
  }
  return { collections, oplog };
}

function damaged(archive: string, path: string, reason: string, cause?: unknown): HoldfastError {
  return new HoldfastError(
    'HF-ARCHIVE-001',
    { archive, where: quoteName(path), reason },
    { cause },
  );
}

/** What a metadata.json is of, and where its documents must be; a view has none. */
function namesOf(
  archive: string,
  path: string,
  text: string,
): { database: string; name: string; dataPath: string | undefined } {
  const name = collectionName(text, archive, path);
  const database = path.slice(
    dumpDir.length + 1,
    Math.max(dumpDir.length + 1, path.lastIndexOf('/')),
  );
  const { type } = parseMetadata(text, `${database}.${name}`);
  const files = dumpFileNames(database, name, type);
  if (path !== `${dumpDir}/${files.metadata}`) {
    throw damaged(archive, path, `it says that it is of ${quoteName(name)}`);
  }
  const dataPath = files.data === undefined ? undefined : `${dumpDir}/${files.data}`;
  return { database, name, dataPath };
}

/**
 * The collection that a metadata.json says it is of.
 * @throws HoldfastError HF-ARCHIVE-001 when it is no JSON, HF-ARCHIVE-005 when it says nothing
 */
export function collectionName(metadata: string, archive: string, path: string): string {
  let value: unknown;
  try {
    value = JSON.parse(metadata);
  } catch (error) {
    throw damaged(archive, path, 'it is no JSON', error);
  }
  if (typeof value === 'object' && value !== null && 'collectionName' in value) {
    return String(value.collectionName);
  }
  throw new HoldfastError('HF-ARCHIVE-005', { archive, path: quoteName(path) });
}
