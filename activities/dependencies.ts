import type { Environment } from '../config/environment';
import type { HoldfastConfig } from '../config/holdfast-config';
import type { BackupStorage } from '../storage/contract';
import type { HostPace } from './pace';

/** One line of the operations log. */
export interface StepEvent {
  readonly event: 'began' | 'ended' | 'failed';
  /** Workflow id. */
  readonly operation: string;
  readonly run: string;
  readonly phase: string;
  /** Name of the activity. */
  readonly step: string;
  readonly attempt: number;
  /** Error code of what failed; `cancelled` for an attempt that was stopped from outside. */
  readonly code?: string;
  readonly reason?: string;
}

/** The entries of a catalog. */
export interface CatalogEntries {
  /**
   * Enters a backup as the storage of that name holds it now, or forgets one that is gone.
   * @throws HoldfastError HF-CATALOG-001, and what the storage throws.
   */
  refresh(storage: string, controller: string, id: string, signal: AbortSignal): Promise<void>;
}

/** What the steps of a host need; built once by the worker and passed in. */
export interface ActivityDependencies {
  readonly config: HoldfastConfig;
  readonly environment: Environment;
  readonly pace: HostPace;
  /** The storage of that name. @throws HoldfastError HF-STORAGE-011 when it is not configured. */
  openStorage(name: string): BackupStorage;
  /** Where one is configured. */
  readonly catalog?: CatalogEntries | undefined;
  /** Writes the operations log, where there is one. */
  record?(event: StepEvent): void;
}
