import type { ArchiveFacts } from './backup';
import type { OperationLimits, Placement } from './placement';

/** Input of the workflow `verify`. */
export interface VerifyInput {
  readonly v: 1;
  readonly controller: string;
  /** What people call the controller; only a label. */
  readonly controllerName?: string;
  readonly machine: string;
  readonly storage: string;
  readonly backupId: string;
  readonly placement: Placement;
  readonly limits: OperationLimits;
}

/** Result of the workflow `verify`; damage is a failure with its code, not a result. */
export interface VerifyReport {
  readonly v: 1;
  readonly kind: 'verify';
  readonly backupId: string;
  readonly archive: ArchiveFacts;
  readonly entries: number;
  readonly documents: number;
  /** Bytes read from storage. */
  readonly bytes: number;
  readonly duration: number;
}
