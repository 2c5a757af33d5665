import type { ArchiveFacts } from './backup';
import type { OperationLimits, Placement } from './placement';

/** Input of the workflow `copy`. */
export interface CopyInput {
  readonly v: 1;
  readonly controller: string;
  /** What people call the controller; only a label. */
  readonly controllerName?: string;
  readonly machine: string;
  /** Name of the storage it is read from. */
  readonly storage: string;
  /** Name of the storage it is written to. */
  readonly to: string;
  readonly backupId: string;
  readonly placement: Placement;
  readonly limits: OperationLimits;
}

/** Result of the workflow `copy`. */
export interface CopyReport {
  readonly v: 1;
  readonly kind: 'copy';
  readonly backupId: string;
  /** Name of the storage it was read from. */
  readonly from: string;
  /** Name of the storage that holds it now. */
  readonly to: string;
  /** `present`: the identical backup was there already. */
  readonly outcome: 'copied' | 'present';
  readonly archive: ArchiveFacts;
  /** Beside MANIFEST. */
  readonly files: number;
  /** Of those files. */
  readonly bytes: number;
  readonly duration: number;
}
