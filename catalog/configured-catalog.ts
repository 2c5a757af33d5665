import type { CatalogConfig } from '../config/catalog-schema';
import type { Environment } from '../config/environment';
import { readSecret } from '../config/secret-reference';
import { storageIdentity } from '../config/storage-identity';
import type { StorageSettings } from '../config/storage-schema';
import type { StorageCapabilities } from '../storage/contract';
import { MongoCatalog, type CatalogStorage } from './mongo-catalog';

/** Milliseconds until a server must have been found. */
export const catalogTimeouts = {
  /** To be asked: nobody waits long for what is only quicker. */
  question: 1_500,
  /** To be told: an election is sat out. */
  change: 12_000,
} as const;

/** A catalog of the configuration, and how it knows storages. */
export interface ConfiguredCatalog {
  readonly catalog: MongoCatalog;
  /** `capabilities`: of the storage when it is open. */
  storage(settings: StorageSettings, capabilities: StorageCapabilities): CatalogStorage;
}

/** The catalog that is configured, not connected yet; undefined when the storage alone is asked. */
export function openCatalog(
  config: CatalogConfig,
  environment: Pick<Environment, 'variables' | 'uid'>,
  timeout: number,
): ConfiguredCatalog | undefined {
  if (config.type === 'storage') return undefined;
  const { hosts, replicaSet, tls, username, password, database, host } = config;
  const credentials =
    username === undefined || password === undefined
      ? undefined
      : { username, password: () => readSecret(password, environment) };
  return {
    catalog: new MongoCatalog({ hosts, replicaSet, tls, credentials, database, timeout }),
    storage: (settings, { place }) => ({
      name: settings.name,
      // The same path on another host is another storage.
      identity: `${place === 'host' ? `${host} ` : ''}${storageIdentity(settings)}`,
    }),
  };
}
