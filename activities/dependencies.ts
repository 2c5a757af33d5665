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

/** What the steps of a host need; built once by the worker and passed in. */
export interface ActivityDependencies {
  readonly config: HoldfastConfig;
  readonly environment: Environment;
  readonly pace: HostPace;
  /** The storage of that name. @throws HoldfastError HF-STORAGE-011 when it is not configured. */
  openStorage(name: string): BackupStorage;
  /** Writes the operations log, where there is one. */
  record?(event: StepEvent): void;
}
