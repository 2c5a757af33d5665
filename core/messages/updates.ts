import type { WorkflowStatus } from './status';

/** Names of workflow types, queries, updates and search attributes. */
export const messageNames = {
  status: 'status',
  confirm: 'confirm',
  cancel: 'cancel',
  searchAttributes: {
    controller: 'HoldfastController',
    backupId: 'HoldfastBackupId',
    phase: 'HoldfastPhase',
    outcome: 'HoldfastOutcome',
  },
} as const;

/** Argument of the update `confirm`. */
export interface Confirmation {
  readonly v: 1;
  /** Must name the backup the preflight was about. */
  readonly backupId: string;
  readonly answer: 'yes' | 'no';
}

/** Argument of the update `cancel`. */
export interface CancelRequest {
  readonly v: 1;
  /** Go back to the state before even when the point of no return is passed. */
  readonly rollback: boolean;
}

/** Answer of the update `cancel`: what happens now. */
export interface CancelAnswer {
  readonly v: 1;
  readonly kind: WorkflowStatus['kind'];
  /**
   * `stopping`: it stops now, and what it had begun is undone. `finishing`: its commit is being
   * finished, after which it is done. `rolling-back`: it goes back to the exact state before.
   */
  readonly will: 'stopping' | 'finishing' | 'rolling-back';
}
