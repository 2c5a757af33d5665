import type { OperationLimits, Placement } from './placement';

/** Input of the workflow `verifyAll`. */
export interface VerifyAllInput {
  readonly v: 1;
  readonly controller: string;
  /** What people call the controller; only a label. */
  readonly controllerName?: string;
  readonly machine: string;
  readonly storage: string;
  /** Percent of the backups, those that were not proven for longest; all of them when absent. */
  readonly sample?: number;
  readonly placement: Placement;
  readonly limits: OperationLimits;
}

/** What came of one backup. */
export interface VerifiedBackup {
  readonly id: string;
  /** `gone`: somebody removed it meanwhile. */
  readonly verdict: 'sound' | 'damaged' | 'gone';
  /** Bytes read of a sound one. */
  readonly bytes: number;
  /** Error code of the damage. */
  readonly code?: string;
  readonly reason?: string;
}

/** Result of the workflow `verifyAll`; unlike of `verify` damage is a result, since the others are read all the same. */
export interface VerifyAllReport {
  readonly v: 1;
  readonly kind: 'verifyAll';
  readonly storage: string;
  /** As it was asked for. */
  readonly sample?: number;
  readonly outcome: 'sound' | 'damaged';
  /** In the order in which they were read. */
  readonly backups: readonly VerifiedBackup[];
  /** Backups that were not this run's turn. */
  readonly left: number;
  /** Incomplete ones: there is nothing to prove. */
  readonly incomplete: number;
  /** Bytes of sound ones. */
  readonly bytes: number;
  readonly duration: number;
}
