import type { BackupSummary } from '../catalog/backup-summary';
import { setPin } from '../catalog/marks';
import { prunedBackup, requireRemovable } from '../catalog/pruning';
import { planPrune, type KeepRules, type PruneDecision } from '../catalog/retention';
import {
  backupDatasets,
  selectAtoms,
  type FindRequest,
  type FoundAtoms,
} from '../catalog/find-atoms';
import type { FindEntries, FoundEntry } from '../catalog/find-entries';
import type { Rebuilt } from '../catalog/rebuild';
import {
  findBackup,
  findStored,
  listBackups,
  listIds,
  type CatalogQuery,
  type FoundBackup,
} from '../catalog/storage-catalog';
import type { Environment } from '../config/environment';
import type { HoldfastConfig } from '../config/holdfast-config';
import { storageVolume } from '../config/storage-schema';
import type { HostIdentity } from '../controller/host-identity';
import { isHoldfastError } from '../core/errors';
import { parseBackupId } from '../core/ids';
import type { BackupStorage } from '../storage/contract';
import { identifyThisHost } from '../worker/this-host';
import { BackupCatalog, type Answer } from './backup-catalog';
import type { StorageCheck } from './check-storage';
import type { Downloaded, DownloadOptions } from './download';
import type { Uploaded, UploadOptions } from './upload';

/**
 * The part of the client that needs no Temporal: who this host is, and the backups in the storage. What
 * only some calls need is loaded by them: a command that starts an operation pays for none of it.
 */
export class StoredBackups {
  #host: Promise<HostIdentity> | undefined;
  #storage: Promise<BackupStorage> | undefined;
  readonly #catalog: BackupCatalog;

  constructor(
    readonly config: HoldfastConfig,
    protected readonly environment: Environment,
    /** Told what a user should know although nothing fails. */
    protected readonly onNotice: (notice: string) => void = () => undefined,
  ) {
    this.#catalog = new BackupCatalog(config, environment, onNotice);
  }

  /** Ends the connections. */
  async close(): Promise<void> {
    const storage = await this.#storage?.catch(() => undefined);
    await storage?.close();
    await this.#catalog.close();
  }

  /** Which controller machine operations are for. @throws HoldfastError HF-HOST-001, HF-HOST-003 */
  host(): Promise<HostIdentity> {
    this.#host ??= identifyThisHost(this.config, this.environment);
    return this.#host;
  }

  /**
   * The backups of this host's controller, or of every controller of the storage where the host
   * does not know its own; oldest first, complete or not. By the catalog where one is configured and
   * knows the storage, else by the storage itself. Needs no Temporal.
   * @throws HoldfastError HF-STORAGE-005, HF-STORAGE-006
   */
  async list(signal?: AbortSignal): Promise<readonly BackupSummary[]> {
    return (await this.listFrom(signal)).value;
  }

  /** As `list`, with who gave the answer. */
  async listFrom(signal?: AbortSignal): Promise<Answer<readonly BackupSummary[]>> {
    const query = await this.#query(signal);
    return this.#catalog.answer(
      query,
      (catalog, as, controller) => catalog.list(as, controller),
      () => this.#stored(query),
    );
  }

  /** Ids of the same backups. No MANIFEST is read. @throws as `list` */
  async ids(signal?: AbortSignal): Promise<readonly string[]> {
    const query = await this.#query(signal);
    const { value } = await this.#catalog.answer(
      query,
      (catalog, as, controller) => catalog.ids(as, controller),
      () => listIds(query),
    );
    return value;
  }

  /**
   * The atoms that are asked for, of the newest backup first; as `list` by the catalog or the storage.
   * @throws as `list`
   */
  async findAtoms(request: FindRequest, signal?: AbortSignal): Promise<Answer<FoundAtoms[]>> {
    const query = await this.#query(signal);
    return this.#catalog.answer(
      query,
      (catalog, as, controller) => catalog.findAtoms(as, request, controller),
      async () => selectAtoms(backupDatasets(await this.#stored(query)), request),
    );
  }

  /** Entries of the archives, by the INDEX of each backup, of the newest first. @throws as `list` */
  async *findEntries(
    request: FindRequest,
    onUnreadable: FindEntries['onUnreadable'],
    signal?: AbortSignal,
  ): AsyncGenerator<FoundEntry> {
    const query = await this.#query(signal);
    const backups = (await this.#stored(query)).filter((backup) => backup.status === 'complete');
    const { findEntries } = await import('../catalog/find-entries.js');
    yield* findEntries({ ...query, backups, request, onUnreadable });
  }

  /** Makes the configured catalog hold what the storage holds. @throws HoldfastError HF-CATALOG-001, HF-CATALOG-002, and as `list` */
  async rebuildCatalog(signal?: AbortSignal): Promise<Rebuilt> {
    return this.#catalog.rebuild((await this.#query(signal)).storage, signal);
  }

  /** One complete backup, by (the beginning of) an id or `latest`. @throws as `findBackup` of the catalog. */
  async info(id: string, signal?: AbortSignal): Promise<FoundBackup> {
    return findBackup(await this.#query(signal), id);
  }

  /** Fetches the archive of a backup into a file. Needs no Temporal. @throws as `info` and `downloadArchive`. */
  async download(id: string, options: DownloadOptions = {}): Promise<Downloaded> {
    const query = await this.#query(options.signal);
    const { downloadArchive } = await import('./download.js');
    return downloadArchive(query.storage, await findBackup(query, id), options);
  }

  /** Adds an archive that Juju made to the storage. Needs no Temporal. @throws as `uploadArchive`. */
  async upload(file: string, options: UploadOptions = {}): Promise<Uploaded> {
    const { storage, controller: modelUuid } = await this.#query(options.signal);
    const now = (): number => this.environment.now();
    const target = { config: this.config, storage, modelUuid, now };
    const { uploadArchive } = await import('./upload.js');
    const uploaded = await uploadArchive(target, file, options);
    await this.#catalog.tell(storage, parseBackupId(uploaded.id).modelUuid, uploaded.id);
    return uploaded;
  }

  /** Whether a complete backup was made of this very file. @throws as `findBackup` for the id, HF-LOCAL-002 */
  async isUploaded(id: string, file: string): Promise<boolean> {
    const { storage } = await this.#query(undefined);
    const { manifest } = await findBackup({ storage }, id);
    const { digestFile } = await import('./upload.js');
    return manifest.origin !== undefined && manifest.origin.sha256 === (await digestFile(file));
  }

  /** Pins a complete backup, so that nothing removes it, or takes the pin back. Needs no Temporal. @throws as `info` */
  async setPin(id: string, pinned: boolean): Promise<{ id: string; changed: boolean }> {
    const query = await this.#query(undefined);
    const { storage } = query;
    const { summary, manifest } = await findBackup(query, id);
    const at = new Date(this.environment.now()).toISOString();
    const target = { storage, controller: summary.controller, id: summary.id, at };
    const changed = await setPin({ ...target, owner: manifest.owner }, pinned);
    await this.#catalog.tell(storage, summary.controller, summary.id);
    return { id: summary.id, changed };
  }

  /** What `startPrune` would do by these rules, newest first; what is read now is not asked. Needs no Temporal. */
  async planPrune(rules: KeepRules): Promise<readonly PruneDecision[]> {
    const backups = await this.#stored(await this.#query(undefined));
    const known = backups.map((backup) => prunedBackup(backup));
    return planPrune(known, rules, this.environment.now());
  }

  /**
   * The backups that (the beginnings of) ids name, if all of them may be removed, each once.
   * @throws HoldfastError HF-BACKUP-007, HF-BACKUP-008; as `findStored` of the catalog for an id.
   */
  async removable(ids: readonly string[]): Promise<readonly BackupSummary[]> {
    const query = await this.#query(undefined);
    const found = new Map<string, BackupSummary>();
    for (const id of ids) {
      const backup = await findStored(query, id);
      found.set(backup.id, backup);
    }
    const controllers = new Set([...found.values()].map(({ controller }) => controller));
    for (const controller of controllers) {
      const backups = await listBackups({ ...query, controller });
      requireRemovable(query.storage.name, backups, [...found.keys()]);
    }
    return [...found.values()];
  }

  /** The storage is asked itself, by what decides about backups. */
  #stored(query: CatalogQuery): Promise<BackupSummary[]> {
    return listBackups({ ...query, cache: this.#catalog.cache() });
  }

  /** Proves with a backup of its own that the storage does what it must. Needs no Temporal. */
  async checkStorage(): Promise<readonly StorageCheck[]> {
    const { storage, controller } = await this.#query(undefined);
    const other = await this.#openStorage();
    const { checkStorage } = await import('./check-storage.js');
    try {
      return await checkStorage({
        storage,
        other,
        directory: controller ?? 'holdfast-check',
        volume: storageVolume(this.config.storage),
        floor: this.config.limits.freeSpace,
        now: () => this.environment.now(),
      });
    } finally {
      await other.close();
    }
  }

  async #openStorage(): Promise<BackupStorage> {
    const { createStorageRegistry } = await import('../storage/registry.js');
    return createStorageRegistry(this.environment).openStorage(this.config.storage);
  }

  async #query(signal: AbortSignal | undefined) {
    this.#storage ??= this.#openStorage();
    const storage = await this.#storage;
    const host = await this.host().catch((error: unknown) => {
      if (isHoldfastError(error, 'HF-HOST-001', 'HF-HOST-003')) return undefined;
      throw error;
    });
    const controller = host?.modelUuid;
    return { storage, controller, ...(signal === undefined ? {} : { signal }) };
  }
}
