import type { OperationLimits, Placement } from './placement';

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
  /** What could not be done beside the backup, which is as `outcome` says all the same. */
  readonly warnings?: readonly string[];
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
