import { processEnvironment } from '../config/environment';
import { HoldfastError } from '../core/errors';
import type { BackupStorage } from './contract';
import { openFileStorage } from './file-storage';
import { openGridfs, openModule, openS3, type StorageEnvironment } from './open-configured';
import type { StorageConfig } from './storage-config';

/** Makes a storage from its configuration; throws a HoldfastError when a setting of its type is wrong. */
export type StorageFactory = (config: StorageConfig) => BackupStorage;

/** The storage types a process knows. */
export class StorageRegistry {
  readonly #factories = new Map<string, StorageFactory>();

  /** @throws HoldfastError HF-STORAGE-010 when the type is registered already. */
  registerStorage(type: string, factory: StorageFactory): this {
    if (this.#factories.has(type)) throw new HoldfastError('HF-STORAGE-010', { type });
    this.#factories.set(type, factory);
    return this;
  }

  /** Registered types, sorted. */
  types(): string[] {
    return [...this.#factories.keys()].toSorted();
  }

  /** @throws HoldfastError HF-STORAGE-008 when the type is not registered, or what its factory throws. */
  openStorage(config: StorageConfig): BackupStorage {
    const factory = this.#factories.get(config.type);
    if (factory === undefined) {
      const known = this.types().join(', ');
      throw new HoldfastError('HF-STORAGE-008', { type: config.type, known });
    }
    return factory(config);
  }
}

/**
 * A registry with the built-in types: `file`, `s3`, `gridfs`, and `module`, which loads one of another
 * maker. Secrets are read, and connections made, by the first call of the storage.
 */
export function createStorageRegistry(
  environment: StorageEnvironment = processEnvironment(),
): StorageRegistry {
  return new StorageRegistry()
    .registerStorage('file', (config) => {
      if ('path' in config && typeof config.path === 'string') {
        return openFileStorage({ name: config.name, path: config.path });
      }
      throw new HoldfastError('HF-STORAGE-005', { path: '-', reason: 'storage.path is not set' });
    })
    .registerStorage('s3', (config) => openS3(config, environment))
    .registerStorage('gridfs', (config) => openGridfs(config, environment))
    .registerStorage('module', openModule);
}
