import type { ActivityDependencies, CatalogEntries } from '../activities/dependencies';
import type { Environment } from '../config/environment';
import type { HoldfastConfig } from '../config/holdfast-config';
import { allStorages, findStorage, unknownStorage } from '../config/storages';
import {
  catalogTimeouts,
  openCatalog,
  type ConfiguredCatalog,
} from '../catalog/configured-catalog';
import { refreshEntry } from '../catalog/rebuild';
import type { BackupStorage } from '../storage/contract';
import { hostPace } from './host-pace';
import type { LogFormat } from './log-line';
import { createOperationsLog } from './logging';
import { createStorageRegistry } from '../storage/registry';

/** What a host's worker is built from. */
export interface HostDependencies {
  readonly activities: ActivityDependencies;
  /** Frees what the steps hold. */
  close(): Promise<void>;
}

/** Builds what the steps need from the configuration; each storage is opened once. `format`: of lines on stderr. */
export function hostDependencies(
  config: HoldfastConfig,
  environment: Environment,
  format: LogFormat = 'json',
): HostDependencies {
  const log = createOperationsLog(config.log.file, format);
  const registry = createStorageRegistry(environment);
  const opened = new Map(
    allStorages(config).map((storage) => [storage.name, registry.openStorage(storage)] as const),
  );
  const catalog = openCatalog(config.catalog, environment, catalogTimeouts.change);
  const openStorage = (name: string): BackupStorage => {
    const storage = opened.get(name);
    if (storage === undefined) throw unknownStorage(config, name);
    return storage;
  };
  return {
    activities: {
      config,
      environment,
      pace: hostPace(config.limits),
      record: (event) => log.info(event, `${event.step} ${event.event}`),
      catalog: catalog && catalogEntries(catalog, config, openStorage),
      openStorage,
    },
    close: async () => {
      for (const storage of opened.values()) await storage.close();
      await catalog?.catalog.close();
    },
  };
}

/** `config` names every storage that is asked for. */
function catalogEntries(
  configured: ConfiguredCatalog,
  config: HoldfastConfig,
  openStorage: (name: string) => BackupStorage,
): CatalogEntries {
  return {
    refresh: (name, controller, id, signal) => {
      const storage = openStorage(name);
      const as = configured.storage(findStorage(config, name), storage.capabilities());
      return refreshEntry({ storage, controller, id, signal }, configured.catalog, as);
    },
  };
}
