import { HoldfastError, isHoldfastError } from '../core/errors';
import type { BackupStorage, CallOptions } from '../storage/contract';
import { isBackupOf, readBackup } from './backup-summary';
import type { CatalogStorage, MongoCatalog } from './mongo-catalog';
import { readBackups, type CatalogQuery, type StoredBackup } from './storage-catalog';

/** What a catalog was made to hold. */
export interface Rebuilt {
  /** Backups that it knows now. */
  readonly entered: number;
  /** Of those, that it did not know before. */
  readonly added: number;
  /** Backups that it knew and that are gone. */
  readonly removed: number;
}

/** The storage did not give the MANIFEST: what it holds is not known, so nothing is entered. */
function checkRead({ unread }: StoredBackup): void {
  if (unread !== undefined) throw unread;
}

/**
 * Makes a catalog hold what a storage holds: of all its controllers, complete, incomplete and damaged
 * backups, and nothing that is gone. Again and again gives the same. What is entered meanwhile stays.
 *
 * @throws HoldfastError HF-CATALOG-001; HF-STORAGE-005, HF-STORAGE-006 when the storage cannot be read.
 */
export async function rebuildCatalog(
  query: Omit<CatalogQuery, 'controller'>,
  catalog: MongoCatalog,
  as: CatalogStorage,
  now: () => number,
): Promise<Rebuilt> {
  // Read before the storage is: a backup that is entered after that is never taken for one that is gone.
  const known = await catalog.ids(as);
  const backups = await readBackups(query);
  backups.forEach(checkRead);
  const ids = new Set(backups.map(({ summary }) => summary.id));
  const gone = known.filter((id) => !ids.has(id));
  await catalog.enter(as, backups);
  await catalog.remove(as, gone);
  await catalog.declareWhole(as, new Date(now()));
  const added = backups.length - (known.length - gone.length);
  return { entered: backups.length, added, removed: gone.length };
}

/** A backup that has changed. */
export interface ChangedBackup extends CallOptions {
  readonly storage: BackupStorage;
  /** Model UUID of its controller. */
  readonly controller: string;
  readonly id: string;
}

/**
 * Enters a backup as the storage holds it now, or forgets it when it is gone there.
 * @throws HoldfastError HF-CATALOG-001, and what the storage throws.
 */
export async function refreshEntry(
  changed: ChangedBackup,
  catalog: MongoCatalog,
  as: CatalogStorage,
): Promise<void> {
  const { storage, controller, id, signal } = changed;
  const call = signal === undefined ? {} : { signal };
  if (!isBackupOf(controller, id)) throw new HoldfastError('HF-BACKUP-001', { id });
  try {
    const handle = await storage.openBackup(controller, id, call);
    const files = await handle.listFiles(call);
    const modified = Math.max(0, ...files.map((file) => file.modified));
    const scanned = { directory: controller, name: id, files, modified };
    const stored = { scanned, ...(await readBackup(storage, scanned, call, handle)) };
    checkRead(stored);
    await catalog.enter(as, [stored]);
  } catch (error) {
    if (!isHoldfastError(error, 'HF-STORAGE-001')) throw error;
    await catalog.remove(as, [id]);
  }
}
