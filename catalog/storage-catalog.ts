import pLimit from 'p-limit';
import type { Manifest } from '../archive/manifest';
import { HoldfastError } from '../core/errors';
import { parseBackupId, quoteName, uuidPattern } from '../core/ids';
import type { BackupStorage, CallOptions, ReadHandle, ScannedBackup } from '../storage/contract';
import {
  isBackupOf,
  judge,
  manifestFile,
  readBackup,
  summarize,
  type BackupSummary,
  type CompleteBackup,
  type ReadBackup,
} from './backup-summary';
import type { ManifestCache } from './manifest-cache';

/** How many MANIFESTs are read at once. */
const readsAtOnce = 16;

export interface CatalogQuery extends CallOptions {
  readonly storage: BackupStorage;
  /** Model UUID of one controller; without it all controllers of the storage. */
  readonly controller?: string | undefined;
  /** Where MANIFESTs that were read before are kept; only for the list. */
  readonly cache?: ManifestCache | undefined;
}

/** A complete backup that was asked for. */
export interface FoundBackup {
  readonly summary: CompleteBackup;
  readonly manifest: Manifest;
}

/** A backup as the storage shows it, judged, with the bytes of its MANIFEST. */
export interface StoredBackup extends ReadBackup {
  readonly scanned: ScannedBackup;
}

const byId = (one: { name: string }, other: { name: string }): number =>
  one.name < other.name ? -1 : Number(one.name > other.name);

const callOf = ({ signal }: CallOptions): CallOptions => (signal === undefined ? {} : { signal });

async function controllersOf(query: CatalogQuery): Promise<readonly string[]> {
  if (query.controller !== undefined) return [query.controller];
  const names = await query.storage.listDirectories(callOf(query));
  return names.filter((name) => uuidPattern.test(name));
}

/** Directories of other names are not Holdfast's backups: they are passed over. */
async function scanOne(query: CatalogQuery, directory: string): Promise<ScannedBackup[]> {
  const scanned = await query.storage.scan(directory, callOf(query));
  return scanned.filter(({ name }) => isBackupOf(directory, name));
}

async function scanAll(query: CatalogQuery): Promise<ScannedBackup[]> {
  const backups: ScannedBackup[] = [];
  for (const directory of await controllersOf(query)) {
    backups.push(...(await scanOne(query, directory)));
  }
  return backups.toSorted(byId);
}

/** Ids of every backup, oldest first, complete or not: by the listing alone. @throws as `listBackups` */
export async function listIds(query: CatalogQuery): Promise<string[]> {
  return (await scanAll(query)).map(({ name }) => name);
}

/**
 * Every backup of a controller, or of all, oldest first: complete, incomplete and damaged ones.
 * A MANIFEST that cannot be read makes its own backup `damaged` and hides no other. With a cache only
 * those are read that it does not hold; marks are told by the listing, which is always new.
 *
 * @throws HoldfastError HF-STORAGE-005, HF-STORAGE-006 when the storage itself cannot be listed.
 */
export async function listBackups(query: CatalogQuery): Promise<BackupSummary[]> {
  return (await readBackups(query)).map(({ summary }) => summary);
}

/** As `listBackups`, with what the storage holds of each. @throws as `listBackups` */
export async function readBackups(query: CatalogQuery): Promise<StoredBackup[]> {
  const backups: StoredBackup[] = [];
  for (const directory of await controllersOf(query)) {
    backups.push(...(await readDirectory(query, directory)));
  }
  return backups.toSorted((one, other) => byId(one.scanned, other.scanned));
}

async function readDirectory(query: CatalogQuery, directory: string): Promise<StoredBackup[]> {
  const { storage, cache } = query;
  const [scanned, known] = await Promise.all([scanOne(query, directory), cache?.read(directory)]);
  const limit = pLimit(readsAtOnce);
  let handles: Promise<ReadonlyMap<string, ReadHandle>> | undefined;
  let hits = 0;
  const read = async (backup: ScannedBackup): Promise<StoredBackup> => {
    const file = manifestFile(backup);
    const cached = file === undefined ? undefined : known?.find(backup.name, file);
    if (cached !== undefined) {
      const summary = judge(storage.name, backup, cached);
      // A cached MANIFEST that cannot be believed may be the cache's fault alone.
      if (summary.status === 'complete') {
        hits += 1;
        return { scanned: backup, summary, manifest: cached };
      }
    }
    if (file === undefined) return { scanned: backup, ...(await readBackup(storage, backup)) };
    // One listing instead of a look at each.
    handles ??= handlesOf(query, directory);
    const handle = (await handles).get(backup.name);
    return { scanned: backup, ...(await readBackup(storage, backup, callOf(query), handle)) };
  };
  const backups = await Promise.all(scanned.map((backup) => limit(() => read(backup))));
  if (cache === undefined || known === undefined) return backups;
  const kept = backups.flatMap(({ scanned: { name, ...rest }, summary, manifest }) => {
    const file = manifestFile({ name, ...rest });
    if (file === undefined || manifest === undefined || summary.status !== 'complete') return [];
    return [{ name, etag: file.etag, size: file.size, manifest }];
  });
  if (kept.length !== hits || known.count !== hits) await cache.write(directory, kept);
  return backups;
}

async function handlesOf(
  query: CatalogQuery,
  directory: string,
): Promise<ReadonlyMap<string, ReadHandle>> {
  const handles = await query.storage.listBackups(directory, callOf(query));
  return new Map(handles.map((handle) => [handle.name, handle]));
}

function found(summary: BackupSummary): FoundBackup {
  if (summary.status === 'complete') return { summary, manifest: summary.manifest };
  if (summary.status === 'damaged') throw summary.error;
  throw new HoldfastError('HF-BACKUP-004', { id: summary.id });
}

async function findLatest(query: CatalogQuery): Promise<FoundBackup> {
  const { storage } = query;
  const scanned = await scanAll(query);
  const controllers = [...new Set(scanned.map(({ directory }) => directory))].toSorted();
  if (controllers.length > 1) {
    const list = controllers.join(', ');
    const problem = `storage ${storage.name} holds backups of several controllers, so there is no latest one: ${list}`;
    throw new HoldfastError('HF-USAGE-001', { problem, command: 'holdfast' });
  }
  const controller = query.controller ?? controllers[0] ?? '(any)';
  if (scanned.length === 0) {
    throw new HoldfastError('HF-BACKUP-002', { storage: storage.name, controller });
  }
  for (const backup of scanned.toReversed()) {
    const summary = await summarize(storage, backup, callOf(query));
    if (summary.status !== 'complete' || !summary.restorable) continue;
    if (summary.verified?.sound === false) continue;
    if (summary.purpose !== 'safety') return found(summary);
  }
  throw new HoldfastError('HF-BACKUP-003', { storage: storage.name, controller });
}

/** What an id may be cut to: at least the year. */
const prefixPattern = /^\d{4}(\d{0,4}|\d{4}-\d{0,6}|\d{4}-\d{6}\.[0-9a-f-]{0,36})$/;

async function matching(query: CatalogQuery, id: string): Promise<ScannedBackup[]> {
  if (!prefixPattern.test(id)) parseBackupId(id);
  const uuid = id.slice(id.indexOf('.') + 1);
  const controller = uuidPattern.test(uuid) ? uuid : query.controller;
  return (await scanAll({ ...query, controller })).filter(({ name }) => name.startsWith(id));
}

/**
 * Finds one complete backup: by its id, by the beginning of its id when only one begins so, or the
 * newest with `latest`. The latest is never incomplete, damaged (also by its last verification), a safety copy, or of a kind this
 * version cannot restore.
 *
 * @throws HoldfastError HF-BACKUP-001 when `id` is no id; HF-STORAGE-001 when there is no such
 * backup; HF-USAGE-001 when several begin so, or `latest` is asked of several controllers;
 * HF-BACKUP-004 when it is incomplete; HF-MANIFEST-001, HF-STORAGE-007, HF-STORAGE-009 when it is
 * damaged; for `latest` HF-BACKUP-002 when there is none and HF-BACKUP-003 when none is complete.
 */
export async function findBackup(query: CatalogQuery, id: string): Promise<FoundBackup> {
  if (id === 'latest') return findLatest(query);
  return found(await findStored(query, id));
}

/**
 * One backup, complete or not, by its id or the beginning of it.
 * @throws HoldfastError HF-BACKUP-001, HF-STORAGE-001, HF-USAGE-001 as `findBackup`.
 */
export async function findStored(query: CatalogQuery, id: string): Promise<BackupSummary> {
  const candidates = await matching(query, id);
  const [only, another] = candidates;
  const { storage } = query;
  if (only === undefined) {
    throw new HoldfastError('HF-STORAGE-001', { storage: storage.name, name: quoteName(id) });
  }
  if (another !== undefined) {
    const names = candidates.slice(0, 10).map(({ name }) => name);
    const more =
      candidates.length > names.length ? `, and ${candidates.length - names.length} more` : '';
    const problem = `${candidates.length} backups begin with ${id}: ${names.join(', ')}${more}`;
    throw new HoldfastError('HF-USAGE-001', { problem, command: 'holdfast' });
  }
  return summarize(storage, only, callOf(query));
}
