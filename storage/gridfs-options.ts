import type { OwnMongo } from './own-mongo';

/** A storage in a replica set: files appear by transaction. */
export interface GridfsStorageOptions extends OwnMongo {
  /** The name it has in the configuration. */
  readonly name: string;
  /** Prefix of the collections, as GridFS has it. */
  readonly bucket: string;
  /** Bytes of a chunk. */
  readonly chunkSize: number;
  /** An upload reports its progress this often, bytes. */
  readonly progressBytes: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}
