import type { Secret } from '../core/secret';

export interface GridfsStorageOptions {
  /** The name it has in the configuration. */
  readonly name: string;
  /** `host:port`, at least one. */
  readonly hosts: readonly string[];
  /** A replica set it must be: files appear by transaction. */
  readonly replicaSet?: string | undefined;
  readonly tls?: { readonly caFile: string } | undefined;
  readonly credentials?:
    { readonly username: string; readonly password: () => Promise<Secret> } | undefined;
  /** Begins with `holdfast`: such a database is never part of a backup. */
  readonly database: string;
  /** Prefix of the collections, as GridFS has it. */
  readonly bucket: string;
  /** Bytes of a chunk. */
  readonly chunkSize: number;
  /** An upload reports its progress this often, bytes. */
  readonly progressBytes: number;
  /** Milliseconds until a server must have been found. */
  readonly timeout: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}
