import type { Environment } from '../config/environment';
import type { HoldfastConfig } from '../config/holdfast-config';
import type { BackupStorage } from '../storage/contract';

/** What the steps of a host need; built once by the worker and passed in. */
export interface ActivityDependencies {
  readonly config: HoldfastConfig;
  readonly environment: Environment;
  /** The storage of that name. @throws HoldfastError HF-STORAGE-011 when it is not configured. */
  openStorage(name: string): BackupStorage;
}
