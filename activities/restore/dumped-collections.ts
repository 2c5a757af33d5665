import type { IndexFile } from '../../archive/index-line';
import { dumpDir, oplogFile } from '../../archive/paths';
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

/** Reads which collections an archive holds: one `metadata.json` each, with its `.bson` beside it. */
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
    else if (line.path.endsWith(dataSuffix)) {
      data.set(line.path.slice(0, -dataSuffix.length), line);
    }
  }
  const collections: ArchivedCollection[] = [];
  for (const line of metadata) {
    const text = (await archive.whole(line, signal)).toString('utf8');
    const base = line.path.slice(0, -metadataSuffix.length);
    const entry = data.get(base);
    collections.push({
      database: base.slice(dumpDir.length + 1, base.lastIndexOf('/')),
      name: collectionName(text),
      metadata: text,
      documents: entry?.documents ?? 0,
      bytes: entry?.size ?? 0,
      data: entry,
    });
  }
  return { collections, oplog };
}

/** The collection that a metadata.json says it is of. */
export function collectionName(metadata: string): string {
  const value: unknown = JSON.parse(metadata);
  if (typeof value === 'object' && value !== null && 'collectionName' in value) {
    return String(value.collectionName);
  }
  throw new Error('metadata without collectionName');
}
