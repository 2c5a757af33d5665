import type { PreflightReport } from './restore';

/** Phases of all operations, as the search attribute HoldfastPhase shows them. */
export type Phase =
  | 'preparing'
  | 'dumping'
  | 'bundling'
  | 'composing'
  | 'inspecting'
  | 'storing'
  | 'verifying'
  | 'removing'
  | 'choosing'
  | 'copying'
  | 'committing'
  | 'locating'
  | 'fetching'
  | 'preflight'
  | 'awaiting-confirmation'
  | 'beginning'
  | 'loading'
  | 'staging-files'
  | 'stopping-agents'
  | 'swapping'
  | 'restoring-users'
  | 'starting-agents'
  | 'cleaning-up'
  | 'compensating'
  | 'rolling-back'
  | 'waiting-for-host'
  | 'done';

/** Names of the workflow types. */
export type WorkflowKind =
  'backup' | 'restore' | 'restoreCollections' | 'verify' | 'verifyAll' | 'prune' | 'copy';

/** Answer of the query `status`. */
export interface WorkflowStatus {
  readonly v: 1;
  readonly kind: WorkflowKind;
  readonly phase: Phase;
  readonly backupId?: string;
  /** Set while the restore waits for its confirmation, and after. */
  readonly preflight?: PreflightReport;
  /** The operation can no longer simply be dropped. */
  readonly pastNoReturn: boolean;
}

export type ProgressUnit = 'bytes' | 'documents' | 'files' | 'entries';

/** Heartbeat of an activity: for people, never state to resume from. */
export interface HeartbeatDetail {
  readonly v: 1;
  readonly phase: string;
  readonly done: number;
  /** Absent while it is not known. */
  readonly total?: number;
  readonly unit: ProgressUnit;
  /** Units a second. */
  readonly rate: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Documents so far, where `unit` counts something else and they are known. */
  readonly documents?: number;
  /** What is being worked on, such as a collection's name. */
  readonly current?: string;
}

/** Detail 0 of every ApplicationFailure that Holdfast raises. */
export interface FailureDetail {
  readonly v: 1;
  readonly code: string;
  readonly hint: string;
  readonly exit: number;
}
