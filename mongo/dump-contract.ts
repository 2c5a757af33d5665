import type { CollectionSize, CollectionType } from './collections';
import type { NodeIdentity } from './node-identity';
import type { OpTime } from './oplog-window';

/** A place in a stream from which it can go on. */
export interface ScanPosition {
  /** Base64 of the BSON document that says where: opaque to everyone but the dump. */
  readonly token: string;
  /** Documents of the stream before this place. */
  readonly documents: number;
  /** Bytes of the stream before this place. */
  readonly bytes: number;
}

/** What a sink holds of a stream that an earlier attempt wrote. */
export interface StreamResume {
  /** Newest last, at most 16: older ones serve when the newest record has been deleted. */
  readonly positions: readonly ScanPosition[];
  /** Whether `finish` was called for it. */
  readonly done: boolean;
}

/** A collection, view or time series as it was listed when the window had begun. */
export interface BoundCollection {
  readonly database: string;
  readonly name: string;
  readonly type: CollectionType;
  /** 32 hex digits; views and time series have none. */
  readonly uuid?: string;
  /** UUID of the collection that holds the data; views have none. */
  readonly dataUuid?: string;
  /** Text of its metadata.json. */
  readonly metadataJson: string;
  /** Estimate when the dump began. */
  readonly size: CollectionSize;
}

/** What every position of a dump depends on. Plain data: it survives JSON. */
export interface DumpBinding extends NodeIdentity {
  readonly windowStart: OpTime;
  readonly collections: readonly BoundCollection[];
}

/** An interrupted dump, as its sink remembers it. */
export interface DumpResume {
  readonly binding: DumpBinding;
  readonly streams: ReadonlyMap<string, StreamResume>;
}

/**
 * Where a dump's bytes go. Streams are `oplog` and one for each collection, named `db.collection`
 * (for a time series its buckets). Calls for one stream come one after the other, calls for
 * several streams at the same time.
 */
export interface DumpSink {
  /**
   * Memory for at least `bytes`, in which the next write of a stream may lie: written from its start
   * it is not copied. It need not be written.
   */
  reserve(stream: string, bytes: number): Promise<Buffer>;
  /**
   * Takes whole documents of a stream in order; resolves when more may come. The buffer belongs to
   * the sink. After these bytes the stream goes on at `position`.
   */
  write(stream: string, bytes: Buffer, documents: number, position: ScanPosition): Promise<void>;
  /** The stream is complete: durable before it resolves. An empty collection's comes without writes. */
  finish(stream: string): Promise<void>;
  /** Forgets what came after `to`; all of the stream when undefined. */
  rewind(stream: string, to: ScanPosition | undefined): Promise<void>;
  /** Forgets everything, the binding too: the dump starts again. */
  reset(reason: string): Promise<void>;
  /** Remembers what the positions depend on: durable before it resolves, and before any write. */
  bind(binding: DumpBinding): Promise<void>;
}

/** Stream of the oplog window; no collection's has a name without a dot. */
export const oplogStream = 'oplog';

/** How far a dump has come. */
export interface DumpProgress {
  /** Documents and bytes of collections written so far, those of earlier attempts included. */
  readonly documents: number;
  readonly bytes: number;
  /** Bytes expected in all: an estimate, the data changes meanwhile. */
  readonly totalBytes: number;
  readonly oplogEntries: number;
  /** Collection that was read last; absent when it was the oplog. */
  readonly current?: string;
}

export interface DumpOptions {
  /** What an earlier attempt left in the sink. */
  readonly resume?: DumpResume;
  /** Collections read at the same time; 2 by default. */
  readonly parallel?: number;
  /** Bytes of a batch; 4 MiB by default. mongod may send up to 16 MiB when documents differ much in size. */
  readonly batchBytes?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: DumpProgress) => void;
}

/** One collection, view or time series of a finished dump. */
export interface DumpedCollection {
  readonly database: string;
  readonly name: string;
  readonly type: CollectionType;
  readonly uuid?: string;
  readonly metadataJson: Buffer;
  /** Paths below the dump's root as mongodump names them. */
  readonly metadataFile: string;
  /** Path and stream of the documents; none for a view. */
  readonly data?: { readonly file: string; readonly stream: string };
  readonly documents: number;
  readonly bytes: number;
}

/** The part of the oplog that makes the scanned collections one state: the one at `end`. */
export interface OplogWindow {
  readonly start: OpTime;
  readonly end: OpTime;
  /** Entries in the `oplog` stream: those on databases Holdfast never touches are left out. */
  readonly entries: number;
  readonly bytes: number;
  /** SHA-256, hex, of the entry at `start` as mongod holds it, left out or not. */
  readonly firstEntrySha256: string;
}

export interface DumpResult extends NodeIdentity {
  /** Collections, views and time series, by database and name. */
  readonly collections: readonly DumpedCollection[];
  readonly window: OplogWindow;
  /** Documents of `admin.system.users` and `admin.system.roles`, less Holdfast's own. */
  readonly users: Buffer;
  readonly roles: Buffer;
  /** How often the dump had to start again. */
  readonly restarts: number;
}

/** Why what has been read of a server cannot become a backup: the dump starts again. */
export class DumpVoidError extends Error {
  override readonly name = 'DumpVoidError';
}
