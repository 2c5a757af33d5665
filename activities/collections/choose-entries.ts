import type { IndexFile, IndexLine } from '../../archive/index-line';
import { dumpDir, oplogFile } from '../../archive/paths';
import type { NamespaceSelection } from '../../core/namespace-selection';
import { bucketsPrefix, isDumpedCollection, unescapeCollectionName } from '../../mongo/namespaces';
import type { ContentRange } from '../../archive/read-entry';

/** Entries of an archive that belong to what was chosen. */
export interface ChosenEntries {
  readonly collections: readonly {
    /** As the backup has it. */
    readonly source: string;
    readonly metadata: IndexFile;
    readonly data: IndexFile | undefined;
  }[];
  readonly oplog: IndexFile | undefined;
  /** Namespaces that are not chosen. */
  readonly left: number;
  readonly unmatched: readonly string[];
}

const metadataSuffix = '.metadata.json';
const dataSuffix = '.bson';

/**
 * Finds the entries of chosen collections in an INDEX. A name that was too long for its file stands
 * in the metadata only, which `nameIn` reads.
 */
export async function chooseEntries(
  lines: AsyncIterable<IndexLine>,
  selection: NamespaceSelection,
  nameIn: (metadata: IndexFile) => Promise<string>,
): Promise<ChosenEntries> {
  const data = new Map<string, IndexFile>();
  const metadata: IndexFile[] = [];
  let oplog: IndexFile | undefined;
  for await (const line of lines) {
    if (line.type !== 'file' || !line.path.startsWith(`${dumpDir}/`)) continue;
    if (line.path === oplogFile) oplog = line;
    else if (line.path.endsWith(metadataSuffix)) metadata.push(line);
    else if (line.path.endsWith(dataSuffix)) {
      data.set(line.path.slice(0, -dataSuffix.length), line);
    }
  }
  const known: string[] = [];
  const collections: { source: string; metadata: IndexFile; data: IndexFile | undefined }[] = [];
  for (const line of metadata) {
    const base = line.path.slice(0, -metadataSuffix.length);
    const slash = base.lastIndexOf('/');
    const database = base.slice(dumpDir.length + 1, slash);
    const name = unescapeCollectionName(base.slice(slash + 1)) ?? (await nameIn(line));
    const source = `${database}.${name}`;
    known.push(source);
    if (!isDumpedCollection(database, name) || !selection.isChosen(source)) continue;
    const buckets = data.get(`${base.slice(0, slash)}/${bucketsPrefix}${base.slice(slash + 1)}`);
    collections.push({ source, metadata: line, data: data.get(base) ?? buckets });
  }
  const left = known.length - collections.length;
  return { collections, oplog, left, unmatched: selection.unmatched(known) };
}

/** The ranges of the stored archive that hold these entries, in order, none touching another. */
export function rangesOf(entries: readonly IndexFile[]): ContentRange[] {
  const ranges = entries
    .filter(({ stored }) => stored.length > 0)
    .map(({ stored }) => ({ start: stored.offset, end: stored.offset + stored.length }))
    .toSorted((a, b) => a.start - b.start);
  const joined: { start: number; end: number }[] = [];
  for (const range of ranges) {
    const last = joined.at(-1);
    if (last !== undefined && range.start <= last.end) last.end = Math.max(last.end, range.end);
    else joined.push({ ...range });
  }
  return joined;
}
