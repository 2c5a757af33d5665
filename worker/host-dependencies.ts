import type { ActivityDependencies } from '../activities/dependencies';
import type { Environment } from '../config/environment';
import type { HoldfastConfig } from '../config/holdfast-config';
import { HoldfastError } from '../core/errors';
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

/** Builds what the steps need from the configuration; the storage is opened once. `format`: of lines on stderr. */
export function hostDependencies(
  config: HoldfastConfig,
  environment: Environment,
  format: LogFormat = 'json',
): HostDependencies {
  const log = createOperationsLog(config.log.file, format);
  const storage = createStorageRegistry(environment).openStorage(config.storage);
  return {
    activities: {
      config,
      environment,
      pace: hostPace(config.limits),
      record: (event) => log.info(event, `${event.step} ${event.event}`),
      openStorage: (name): BackupStorage => {
        if (name === storage.name) return storage;
        throw new HoldfastError('HF-STORAGE-011', { name, known: storage.name });
      },
    },
    close: () => storage.close(),
  };
}
