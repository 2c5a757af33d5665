import type { BackupSummary } from '../catalog/backup-summary';
import { setPin } from '../catalog/marks';
import { prunedBackup, requireRemovable } from '../catalog/pruning';
import { planPrune, type KeepRules, type PruneDecision } from '../catalog/retention';
import { ManifestCache } from '../catalog/manifest-cache';
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
import { storageIdentity } from '../config/storage-identity';
import type { HostIdentity } from '../controller/host-identity';
import { isHoldfastError } from '../core/errors';
import type { BackupStorage } from '../storage/contract';
import { createStorageRegistry } from '../storage/registry';
import { identifyThisHost } from '../worker/this-host';
import { downloadArchive, type Downloaded, type DownloadOptions } from './download';
import { digestFile, uploadArchive, type Uploaded, type UploadOptions } from './upload';

/** The part of the client that needs no Temporal: who this host is, and the backups in the storage. */
export class StoredBackups {
  #host: Promise<HostIdentity> | undefined;
  #storage: BackupStorage | undefined;

  constructor(
    readonly config: HoldfastConfig,
    protected readonly environment: Environment,
    /** Told what a user should know although nothing fails. */
    protected readonly onNotice: (notice: string) => void = () => undefined,
  ) {}

  /** Ends the connections. */
  async close(): Promise<void> {
    await this.#storage?.close();
  }

  /** Which controller machine operations are for. @throws HoldfastError HF-HOST-001, HF-HOST-003 */
  host(): Promise<HostIdentity> {
    this.#host ??= identifyThisHost(this.config, this.environment);
    return this.#host;
  }

  /**
   * The backups of this host's controller, or of every controller of the storage where the host
   * does not know its own; oldest first, complete or not. Needs no Temporal.
   * @throws HoldfastError HF-STORAGE-005, HF-STORAGE-006
   */
  async list(signal?: AbortSignal): Promise<readonly BackupSummary[]> {
    return listBackups(await this.#listQuery(signal));
  }

  /** Ids of the same backups: by the storage's listing alone. @throws as `list` */
  async ids(signal?: AbortSignal): Promise<readonly string[]> {
    return listIds(await this.#query(signal));
  }

  /** One complete backup, by (the beginning of) an id or `latest`. @throws as `findBackup` of the catalog. */
  async info(id: string, signal?: AbortSignal): Promise<FoundBackup> {
    return findBackup(await this.#query(signal), id);
  }

  /** Fetches the archive of a backup into a file. Needs no Temporal. @throws as `info` and `downloadArchive`. */
  async download(id: string, options: DownloadOptions = {}): Promise<Downloaded> {
    const query = await this.#query(options.signal);
    return downloadArchive(query.storage, await findBackup(query, id), options);
  }

  /** Adds an archive that Juju made to the storage. Needs no Temporal. @throws as `uploadArchive`. */
  async upload(file: string, options: UploadOptions = {}): Promise<Uploaded> {
    const { storage, controller: modelUuid } = await this.#query(options.signal);
    const now = (): number => this.environment.now();
    return uploadArchive({ config: this.config, storage, modelUuid, now }, file, options);
  }

  /** Whether a complete backup was made of this very file. @throws as `findBackup` for the id, HF-LOCAL-002 */
  async isUploaded(id: string, file: string): Promise<boolean> {
    const { storage } = await this.#query(undefined);
    const { manifest } = await findBackup({ storage }, id);
    return manifest.origin !== undefined && manifest.origin.sha256 === (await digestFile(file));
  }

  /** Pins a complete backup, so that nothing removes it, or takes the pin back. Needs no Temporal. @throws as `info` */
  async setPin(id: string, pinned: boolean): Promise<{ id: string; changed: boolean }> {
    const query = await this.#query(undefined);
    const { storage } = query;
    const { summary, manifest } = await findBackup(query, id);
    const at = new Date(this.environment.now()).toISOString();
    const target = { storage, controller: summary.controller, id: summary.id, at };
    return { id: summary.id, changed: await setPin({ ...target, owner: manifest.owner }, pinned) };
  }

  /** What `startPrune` would do by these rules, newest first; what is read now is not asked. Needs no Temporal. */
  async planPrune(rules: KeepRules): Promise<readonly PruneDecision[]> {
    const backups = await this.list();
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

  async #listQuery(signal: AbortSignal | undefined): Promise<CatalogQuery> {
    const { config, environment } = this;
    const { cache: path } = config.catalog;
    if (path === false) return this.#query(signal);
    const cache = new ManifestCache({
      path,
      storage: storageIdentity(config.storage),
      uid: environment.uid,
      now: () => environment.now(),
      onProblem: (problem) => this.onNotice(problem),
    });
    return { ...(await this.#query(signal)), cache };
  }

  async #query(signal: AbortSignal | undefined) {
    this.#storage ??= createStorageRegistry(this.environment).openStorage(this.config.storage);
    const host = await this.host().catch((error: unknown) => {
      if (isHoldfastError(error, 'HF-HOST-001', 'HF-HOST-003')) return undefined;
      throw error;
    });
    const storage = this.#storage;
    const controller = host?.modelUuid;
    return { storage, controller, ...(signal === undefined ? {} : { signal }) };
  }
}
