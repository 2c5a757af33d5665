import type { OplogMoment } from '../oplog-limit';
import type { OperationLimits, Placement } from './placement';

/** How a restore's backup is chosen. */
export type BackupChoice = { readonly id: string } | { readonly latest: true };

/** Input of the workflow `restore`. */
export interface RestoreInput {
  readonly v: 1;
  readonly controller: string;
  /** What people call the controller; only a label. */
  readonly controllerName?: string;
  readonly machine: string;
  readonly storage: string;
  /** `resume` and `rollback` take up the restore that the host's journal names. */
  readonly action: 'restore' | 'resume' | 'rollback';
  readonly backup: BackupChoice;
  /** Stop after the preflight and report it. */
  readonly planOnly: boolean;
  /** False: wait for the update `confirm`. */
  readonly confirmed: boolean;
  /** Keep `hf-old` collections and the old files. */
  readonly keepOld: boolean;
  /** Entries of the oplog window from this moment on are not replayed. */
  readonly oplogLimit?: OplogMoment;
  readonly placement: Placement;
  readonly limits: OperationLimits;
}

/** One line of the preflight's table. */
export interface PreflightCheck {
  readonly name: string;
  readonly verdict: 'pass' | 'warn' | 'refuse';
  readonly text: string;
}

/** What the preflight found out. */
export interface PreflightReport {
  readonly v: 1;
  readonly backupId: string;
  readonly checks: readonly PreflightCheck[];
  readonly collections: number;
  readonly documents: number;
  /** Bytes of BSON. */
  readonly bytes: number;
  readonly files: number;
}

/** Result of the workflow `restore`. */
export interface RestoreReport {
  readonly v: 1;
  readonly kind: 'restore';
  readonly outcome: 'restored' | 'planned' | 'rolled-back';
  readonly backupId: string;
  readonly preflight?: PreflightReport;
  readonly collections: number;
  readonly documents: number;
  readonly oplogEntries: number;
  readonly files: number;
  /** Milliseconds from the agents' stop until they were alive again; absent when they were not stopped. */
  readonly downtime?: number;
  readonly compensated?: string;
  /** Of a rollback: time series that `--in-place` had dropped, so they are not there. */
  readonly lost?: readonly string[];
  readonly duration: number;
}
