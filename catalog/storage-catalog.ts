import pLimit from 'p-limit';
import type { Manifest } from '../archive/manifest';
import { HoldfastError } from '../core/errors';
import { parseBackupId, quoteName, uuidPattern } from '../core/ids';
import type { BackupStorage, CallOptions, ScannedBackup } from '../storage/contract';
import { isBackupOf, summarize, type BackupSummary, type CompleteBackup } from './backup-summary';

/** How many MANIFESTs are read at once. */
const readsAtOnce = 8;

export interface CatalogQuery extends CallOptions {
  readonly storage: BackupStorage;
  /** Model UUID of one controller; without it all controllers of the storage. */
  readonly controller?: string | undefined;
}

/** A complete backup that was asked for. */
export interface FoundBackup {
  readonly summary: CompleteBackup;
  readonly manifest: Manifest;
}

const byId = (one: { name: string }, other: { name: string }): number =>
  one.name < other.name ? -1 : Number(one.name > other.name);

/** Directories of other names are not Holdfast's backups: they are passed over. */
async function scanAll({ storage, controller, signal }: CatalogQuery): Promise<ScannedBackup[]> {
  const options = signal === undefined ? {} : { signal };
  const controllers =
    controller === undefined
      ? (await storage.listDirectories(options)).filter((name) => uuidPattern.test(name))
      : [controller];
  const backups: ScannedBackup[] = [];
  for (const directory of controllers) {
    const scanned = await storage.scan(directory, options);
    backups.push(...scanned.filter(({ name }) => isBackupOf(directory, name)));
  }
  return backups.toSorted(byId);
}

/**
 * Every backup of a controller, or of all, oldest first: complete, incomplete and damaged ones.
 * A MANIFEST that cannot be read makes its own backup `damaged` and hides no other.
 *
 * @throws HoldfastError HF-STORAGE-005, HF-STORAGE-006 when the storage itself cannot be listed.
 */
export async function listBackups(query: CatalogQuery): Promise<BackupSummary[]> {
  const limit = pLimit(readsAtOnce);
  const scanned = await scanAll(query);
  const options = query.signal === undefined ? {} : { signal: query.signal };
  return Promise.all(
    scanned.map((backup) => limit(() => summarize(query.storage, backup, options))),
  );
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
    const options = query.signal === undefined ? {} : { signal: query.signal };
    const summary = await summarize(storage, backup, options);
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
  return summarize(storage, only, query.signal === undefined ? {} : { signal: query.signal });
}
