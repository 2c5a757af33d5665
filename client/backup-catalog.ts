import {
  catalogTimeouts,
  openCatalog,
  type ConfiguredCatalog,
} from '../catalog/configured-catalog';
import { ManifestCache } from '../catalog/manifest-cache';
import type { CatalogStorage, MongoCatalog } from '../catalog/mongo-catalog';
import { rebuildCatalog, refreshEntry, type Rebuilt } from '../catalog/rebuild';
import type { CatalogQuery } from '../catalog/storage-catalog';
import type { Environment } from '../config/environment';
import type { HoldfastConfig } from '../config/holdfast-config';
import { storageIdentity } from '../config/storage-identity';
import { errorText, HoldfastError, isHoldfastError } from '../core/errors';
import type { BackupStorage } from '../storage/contract';

/** An answer, and who gave it. */
export interface Answer<T> {
  readonly from: 'catalog' | 'storage';
  readonly value: T;
}

/** What makes questions about the backups of a storage quick: the configured catalog, and the cache of MANIFESTs. */
export class BackupCatalog {
  readonly #configured: ConfiguredCatalog | undefined;

  constructor(
    private readonly config: HoldfastConfig,
    private readonly environment: Environment,
    private readonly onNotice: (notice: string) => void,
  ) {
    this.#configured = openCatalog(config.catalog, environment, catalogTimeouts.question);
  }

  async close(): Promise<void> {
    await this.#configured?.catalog.close();
  }

  /** MANIFESTs of the storage that were read before; undefined when none are to be kept. */
  cache(): ManifestCache | undefined {
    const { config, environment } = this;
    const { cache: path } = config.catalog;
    if (path === false) return undefined;
    return new ManifestCache({
      path,
      storage: storageIdentity(config.storage),
      uid: environment.uid,
      now: () => environment.now(),
      onProblem: (problem) => this.onNotice(problem),
    });
  }

  /**
   * Asks the catalog where there is one that knows the storage, else the storage itself. That a
   * catalog cannot answer is a notice, never a failure.
   */
  async answer<T>(
    { storage, controller }: CatalogQuery,
    ask: (catalog: MongoCatalog, as: CatalogStorage, controller?: string) => Promise<T>,
    askStorage: () => Promise<T>,
  ): Promise<Answer<T>> {
    if (this.#configured !== undefined) {
      const { catalog } = this.#configured;
      const as = this.#as(this.#configured, storage);
      try {
        if (await catalog.knows(as)) {
          return { from: 'catalog', value: await ask(catalog, as, controller) };
        }
        this.onNotice(
          `the catalog at ${catalog.place} does not know storage ${storage.name}: this is from the storage itself; holdfast catalog rebuild enters it`,
        );
      } catch (error) {
        if (!isHoldfastError(error)) throw error;
        this.onNotice(`${error.message}; this is from storage ${storage.name} itself`);
      }
    }
    return { from: 'storage', value: await askStorage() };
  }

  /** Enters a backup that was changed here; that it cannot is a notice. */
  async tell(storage: BackupStorage, controller: string, id: string): Promise<void> {
    if (this.#configured === undefined) return;
    try {
      const as = this.#as(this.#configured, storage);
      await refreshEntry({ storage, controller, id }, this.#configured.catalog, as);
    } catch (error) {
      this.onNotice(
        `it is done, but the catalog was not told (holdfast catalog rebuild makes up for it): ${errorText(error)}`,
      );
    }
  }

  /** @throws HoldfastError HF-CATALOG-002 without a catalog, and as `rebuildCatalog`. */
  async rebuild(storage: BackupStorage, signal?: AbortSignal): Promise<Rebuilt> {
    if (this.#configured === undefined) {
      throw new HoldfastError('HF-CATALOG-002', { type: this.config.catalog.type });
    }
    const query = { storage, cache: this.cache(), ...(signal === undefined ? {} : { signal }) };
    const as = this.#as(this.#configured, storage);
    const now = (): number => this.environment.now();
    return rebuildCatalog(query, this.#configured.catalog, as, now);
  }

  #as(configured: ConfiguredCatalog, storage: BackupStorage): CatalogStorage {
    return configured.storage(this.config.storage, storage.capabilities());
  }
}
