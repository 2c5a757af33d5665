import type { WorkflowKind } from './messages/status';
import type { OplogMoment } from './oplog-limit';

/** Who a host is; taken once when an operation begins, compared by every later step. */
export interface HostIdentity {
  /** Controller model UUID. */
  readonly modelUuid: string;
  /** Machine tag, such as `machine-0`. */
  readonly machine: string;
  /** `/etc/machine-id`, so that a cloned machine is not taken for its original. */
  readonly machineId: string;
}

/** The settings an operation was begun with, frozen: a configuration edit must not mix two worlds. No secrets. */
export interface Plan {
  readonly storage: string;
  /** Where that storage lies, such as its root directory. */
  readonly storageRoot: string;
  readonly root: string;
  readonly dataDir: string;
  readonly workspace: string;
  /** What makes gzip members. */
  readonly compressor: 'zlib' | 'igzip';
  /** gzip level. */
  readonly level: number;
  /** Content of a gzip member, bytes. */
  readonly memberSize: number;
}

export type OperationKind = 'backup' | 'restore' | 'restoreCollections';

/** What people call a kind of operation. */
export function kindText(kind: WorkflowKind): string {
  switch (kind) {
    case 'restoreCollections':
      return 'restore of collections';
    case 'verifyAll':
      return 'verify of several backups';
    case 'backup':
    case 'copy':
    case 'prune':
    case 'restore':
    case 'verify':
      return kind;
    default:
      throw new TypeError(`kind ${String(kind satisfies never)}`);
  }
}

/** What every step of an operation gets: who, where, under which plan. */
export interface OperationRef {
  readonly v: 1;
  readonly kind: OperationKind;
  readonly workflowId: string;
  /** The run whose directory and journal are used; a resumed restore keeps the first run's. */
  readonly runId: string;
  readonly backupId: string;
  /** Directory in the storage. */
  readonly directory: string;
  /** Owner of the storage directory: workflow id and run id. */
  readonly owner: string;
  readonly host: HostIdentity;
  readonly plan: Plan;
  /** Entries of the oplog window from this moment on are not replayed. */
  readonly oplogLimit?: OplogMoment | undefined;
  /** Of a restore of collections: which ones, and from where when it is no backup. */
  readonly collections?: CollectionsRequest | undefined;
}

/** What a restore of collections was asked for. */
export interface CollectionsRequest {
  /** Path of what mongodump wrote; absent for a backup of the storage. */
  readonly dump?: string | undefined;
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  readonly rename?: { readonly from: string; readonly to: string } | undefined;
  readonly replace: boolean;
  /** Time series that exist are dropped and loaded anew. */
  readonly inPlace?: boolean | undefined;
}

/** Directory of a controller's backups in a storage. */
export function storageDirectory(modelUuid: string): string {
  return modelUuid;
}
