import { readIndex } from '../archive/index-file';
import { isIndexEntry, type IndexEntry } from '../archive/index-line';
import { pathInBundle } from '../archive/paths';
import { HoldfastError, errorText, isAbort, isHoldfastError } from '../core/errors';
import { indexName, type BackupStorage, type CallOptions } from '../storage/contract';
import type { CompleteBackup } from './backup-summary';
import type { FindRequest } from './find-atoms';

/** An entry of a backup's archive. */
export interface FoundEntry {
  readonly backup: CompleteBackup;
  readonly entry: IndexEntry;
  /** Absolute on the host, for host files; else as in the archive. */
  readonly path: string;
}

export interface FindEntries extends CallOptions {
  readonly storage: BackupStorage;
  /** Those to look through, in any order. */
  readonly backups: readonly CompleteBackup[];
  readonly request: FindRequest;
  /** A backup whose INDEX cannot be read; the search goes on with the next. */
  onUnreadable(backup: CompleteBackup, error: HoldfastError): void;
}

/**
 * The entries that a pattern covers, by the INDEX of each backup, the newest backup first. A pattern
 * that begins with a slash is for host files; others are also for the names in the archive. Memory
 * doesn't grow with the archives, but with what is found where the number of versions is limited.
 */
export async function* findEntries(find: FindEntries): AsyncGenerator<FoundEntry> {
  const { request, signal } = find;
  const seen = new Map<string, number>();
  for (const backup of find.backups.toSorted((one, other) => (one.id < other.id ? 1 : -1))) {
    signal?.throwIfAborted();
    if (!isWanted(backup, request)) continue;
    try {
      yield* entriesOf(find, backup, seen);
    } catch (error) {
      if (isAbort(error) || signal?.aborted === true) throw error;
      const known = isHoldfastError(error)
        ? error
        : new HoldfastError('HF-INTERNAL-001', { reason: errorText(error) }, { cause: error });
      find.onUnreadable(backup, known);
    }
  }
}

function isWanted({ manifest, started }: CompleteBackup, request: FindRequest): boolean {
  const { host, olderThan } = request;
  if (olderThan !== undefined && Date.parse(started) >= olderThan) return false;
  if (host === undefined) return true;
  return manifest.hosts.some(
    ({ machine, hostname }) =>
      machine === host || machine === `machine-${host}` || hostname === host,
  );
}

async function* entriesOf(
  { storage, request, signal }: FindEntries,
  backup: CompleteBackup,
  seen: Map<string, number>,
): AsyncGenerator<FoundEntry> {
  const call = signal === undefined ? {} : { signal };
  const { pattern, numVersions } = request;
  const { manifest } = backup;
  const counts = backup.purpose !== 'safety' && backup.verified?.sound !== false;
  const handle = await storage.openBackup(backup.controller, backup.id, call);
  const stored = await handle.readFile(indexName, undefined, call);
  try {
    const archive = manifest.files[0]?.name ?? backup.id;
    for await (const entry of readIndex(stored, { archive, expect: manifest.index, signal })) {
      if (!isIndexEntry(entry)) continue;
      const onHost = pathInBundle(entry.path);
      const isFound =
        (onHost !== undefined && pattern.covers(onHost)) ||
        (!pattern.absolute && pattern.covers(entry.path));
      if (!isFound) continue;
      if (numVersions !== undefined) {
        const key = `${backup.controller} ${entry.path}`;
        const versions = seen.get(key) ?? 0;
        if (versions >= numVersions) continue;
        if (counts) seen.set(key, versions + 1);
      }
      yield { backup, entry, path: onHost === undefined ? entry.path : `/${onHost}` };
    }
  } finally {
    stored.destroy();
  }
}
