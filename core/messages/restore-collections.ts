import type { OplogMoment } from '../oplog-limit';
import type { OperationLimits, Placement } from './placement';
import type { BackupChoice, PreflightReport } from './restore';

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
  /** Time series that exist under a target's name are dropped and loaded anew, instead of refused. */
  readonly inPlace?: boolean;
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
  /** Collections, views and time series whose place was taken. */
  readonly replaced: number;
  /** Bytes read from the storage, or of the dump's files. */
  readonly read: number;
  /** Bytes of the whole archive; absent for a dump. */
  readonly archiveSize?: number;
  readonly compensated?: string;
  readonly duration: number;
}
