import type { OplogMoment } from './oplog-limit';

/** Which task queues the steps of an operation run on: part of the input, never constants in workflow code. */
export interface Placement {
  /** Workflows, and what any worker may do. */
  readonly workflow: string;
  /** The host's own work. */
  readonly host: string;
  /** Where the storage can be reached; a storage of place 'host' is reached on the host's queue. */
  readonly storage: string;
}

/** Times an operation needs before it knows its host, milliseconds. */
export interface OperationLimits {
  readonly heartbeatTimeout: number;
  /** How long an operation waits for a host whose worker is away, before its point of no return. */
  readonly hostWait: number;
  /** How long a step may lie on the host's queue before the operation says that it waits for the host. */
  readonly hostNotice: number;
  /** How long a restore waits for its confirmation. */
  readonly confirmWait: number;
}

export type BackupPurpose = 'manual' | 'scheduled' | 'safety';

/** Input of the workflow `backup`. */
export interface BackupInput {
  readonly v: 1;
  /** Controller model UUID. */
  readonly controller: string;
  /** What people call the controller; only a label. */
  readonly controllerName?: string;
  /** Machine tag, such as `machine-0`. */
  readonly machine: string;
  readonly notes: string;
  readonly purpose: BackupPurpose;
  /** Name of the storage in the host's configuration. */
  readonly storage: string;
  /** Format of metadata.json; chosen by the controller's own Juju version when absent. */
  readonly metadataFormat?: 0 | 1 | 2;
  readonly placement: Placement;
  readonly limits: OperationLimits;
}

/** Result of the workflow `backup`. */
export interface BackupReport {
  readonly v: 1;
  readonly kind: 'backup';
  readonly backupId: string;
  readonly storage: string;
  readonly outcome: 'complete' | 'partial';
  readonly archive: ArchiveFacts;
  readonly collections: number;
  readonly documents: number;
  readonly oplogEntries: number;
  /** Member of the replica set that was dumped, as its configuration names it. */
  readonly node?: string;
  /** How often the dump had to start again, because of a rename for one; absent when never. */
  readonly dumpRestarts?: number;
  readonly files: number;
  /** Run whose leftovers were compensated before this one began. */
  readonly compensated?: string;
  /** Milliseconds from start to commit. */
  readonly duration: number;
}

/** What identifies the bytes of an archive. */
export interface ArchiveFacts {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Hex. */
  readonly sha256: string;
  /** Juju's own checksum: SHA-1 of the archive, base64. */
  readonly sha1Base64: string;
}

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

/** Which namespaces are restored, as patterns of mongorestore's (`juju.units`, `juju.*`), and under which names. */
export interface CollectionChoice {
  /** Empty: all of them. */
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  /** What matches `from` gets the name that `to` makes of it. */
  readonly rename?: { readonly from: string; readonly to: string } | undefined;
}

/** Where restored collections come from: a backup, or what `mongodump` wrote on the host. */
export type CollectionSource = { readonly backup: BackupChoice } | { readonly dump: string };

/** Input of the workflow `restoreCollections`. */
export interface RestoreCollectionsInput {
  readonly v: 1;
  readonly controller: string;
  /** What people call the controller; only a label. */
  readonly controllerName?: string;
  readonly machine: string;
  readonly storage: string;
  readonly source: CollectionSource;
  readonly choice: CollectionChoice;
  /** Collections that exist under a target's name are replaced, instead of refused. */
  readonly replace: boolean;
  /** Entries of the oplog from this moment on are not replayed. */
  readonly oplogLimit?: OplogMoment;
  /** Stop after the preflight and report it. */
  readonly planOnly: boolean;
  /** False: wait for the update `confirm`. */
  readonly confirmed: boolean;
  /** Keep `hf-old` collections. */
  readonly keepOld: boolean;
  readonly placement: Placement;
  readonly limits: OperationLimits;
}

/** Result of the workflow `restoreCollections`. */
export interface RestoreCollectionsReport {
  readonly v: 1;
  readonly kind: 'restoreCollections';
  readonly outcome: 'restored' | 'planned';
  /** Id of the backup, or path of the dump. */
  readonly backupId: string;
  readonly preflight?: PreflightReport;
  readonly collections: number;
  readonly documents: number;
  readonly oplogEntries: number;
  /** Collections and views whose place was taken. */
  readonly replaced: number;
  /** Bytes read from the storage, or of the dump's files. */
  readonly read: number;
  /** Bytes of the whole archive; absent for a dump. */
  readonly archiveSize?: number;
  readonly compensated?: string;
  readonly duration: number;
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
  readonly duration: number;
}

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

/** Rules of retention, as catalog/retention explains them. */
export interface PruneRules {
  readonly last?: number;
  readonly daily?: number;
  readonly weekly?: number;
  readonly monthly?: number;
  readonly yearly?: number;
  /** Milliseconds. */
  readonly olderThan?: number;
}

/** Input of the workflow `prune`: exactly one of `ids` and `rules`. */
export interface PruneInput {
  readonly v: 1;
  readonly controller: string;
  /** What people call the controller; only a label. */
  readonly controllerName?: string;
  readonly machine: string;
  readonly storage: string;
  readonly ids?: readonly string[];
  readonly rules?: PruneRules;
  readonly placement: Placement;
  readonly limits: OperationLimits;
}

/** Result of the workflow `prune`. */
export interface PruneReport {
  readonly v: 1;
  readonly kind: 'prune';
  /** Ids. */
  readonly removed: readonly string[];
  /** Ids of incomplete backups. */
  readonly swept: readonly string[];
  /** Bytes. */
  readonly freed: number;
  readonly duration: number;
}

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

/** Answer of the query `status`. */
export interface WorkflowStatus {
  readonly v: 1;
  readonly kind: 'backup' | 'restore' | 'restoreCollections' | 'verify' | 'prune';
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
