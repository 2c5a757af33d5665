import type { Readable } from 'node:stream';

/** Names of directories' parts, backups and files: `^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$`. A directory may have several parts joined by `/`. */
export type StorageName = string;

/**
 * What a call accepts besides its arguments. A call whose signal is aborted rejects with the signal's
 * reason and leaves nothing half-visible; that of a stream or writer counts until its end.
 */
export interface CallOptions {
  readonly signal?: AbortSignal;
}

/** A half-open range of bytes `[start, end)`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** What a storage can do beyond the contract's minimum. */
export interface StorageCapabilities {
  /** putFile with ifAbsent is decided by the service itself, as far as is known before the first; else by what the storage makes of plain writes. */
  readonly conditionalPut: boolean;
  /** Files can be protected from deletion for a time. */
  readonly retention: boolean;
  /** readFile with a range reads only that range. */
  readonly ranges: boolean;
  /** Where it can be reached: on one host, or from anywhere. */
  readonly place: 'host' | 'anywhere';
}

/** A stored file as a listing shows it. */
export interface StoredFile {
  readonly name: StorageName;
  /** Bytes. */
  readonly size: number;
  /** Changes whenever the content changes. */
  readonly etag: string;
  /** Milliseconds since the epoch. */
  readonly modified: number;
}

/** A backup as `scan` shows it; complete or not is decided by whether MANIFEST is among the files. */
export interface ScannedBackup {
  readonly directory: string;
  readonly name: StorageName;
  /** Sorted by name. Files still being written are not listed. */
  readonly files: readonly StoredFile[];
  /** Time of the newest change, milliseconds since the epoch. */
  readonly modified: number;
}

/** Progress of an interrupted upload: JSON, opaque to the caller, handed back to resume. */
export interface UploadState {
  readonly v: 1;
  readonly type: string;
  /** Bytes that are known to be durable. */
  readonly acknowledged: number;
  readonly detail: Readonly<Record<string, string | number>>;
}

/** A source that can be read from any offset: the upload asks for what storage does not hold yet. */
export interface UploadSource {
  /** Bytes in all. */
  readonly size: number;
  read(start: number, signal?: AbortSignal): AsyncIterable<Uint8Array>;
}

export interface UploadOptions extends CallOptions {
  /** Tells attempts of the same upload apart: a newer attempt never writes where an older one may. */
  readonly attempt: number;
  /** What an earlier attempt reported last, if any. */
  readonly resume?: UploadState;
  /** Awaited before the upload goes on, so the caller can make it durable. */
  readonly onProgress?: (state: UploadState) => Promise<void>;
}

/**
 * A writer of one file; the file appears, whole and durable, when `close` resolves. Calls are done in
 * their order. @throws HoldfastError HF-STORAGE-004 after abort or close
 */
export interface FileWriter {
  /** Takes the bytes before it resolves: the buffer may be used again then. */
  write(bytes: Uint8Array): Promise<void>;
  /** Resolves when the file is durable and visible. */
  close(): Promise<StoredFile>;
  /** Nothing stays behind. Safe after a failure and after close. */
  abort(): Promise<void>;
}

export interface SweepOptions extends CallOptions {
  /** Incomplete backups that stay, however old they are; what belongs to no backup goes all the same. */
  readonly keep?: (name: StorageName) => boolean;
}

/** What handles have in common. */
export interface BackupHandle {
  readonly directory: string;
  readonly name: StorageName;
}

/** A backup that can only be read: from `listBackups` or `openBackup`. */
export interface ReadHandle extends BackupHandle {
  /**
   * A stream of Buffers with exactly the bytes of the range, or of the whole file. It fails rather than
   * end early.
   * @throws HoldfastError HF-STORAGE-007 when there is no such file, HF-STORAGE-009 when it does not hold
   * the range.
   */
  readFile(name: StorageName, range?: ByteRange, options?: CallOptions): Promise<Readable>;
  /** Sorted by name. */
  listFiles(options?: CallOptions): Promise<readonly StoredFile[]>;
}

/** A backup being written: from `startBackup` or `resumeBackup`. */
export interface WriteHandle extends BackupHandle {
  readonly owner: string;
  /** Adding a file again replaces it. `size` is approximate or undefined. */
  addFile(name: StorageName, size?: number, options?: CallOptions): Promise<FileWriter>;
  /**
   * Resumable: only what the storage does not hold is read from the source again.
   * @throws HoldfastError HF-FENCE-001 when an attempt with a higher number took over.
   */
  uploadFile(name: StorageName, source: UploadSource, options: UploadOptions): Promise<StoredFile>;
  /**
   * Small files, whole; a MANIFEST is never empty. With `ifAbsent` exactly one of two writers wins; the other gets 'exists'.
   */
  putFile(
    name: StorageName,
    bytes: Uint8Array,
    options?: CallOptions & { readonly ifAbsent?: boolean },
  ): Promise<'written' | 'exists'>;
  /** As ReadHandle.readFile, for verification before the backup is complete. */
  readFile(name: StorageName, range?: ByteRange, options?: CallOptions): Promise<Readable>;
  listFiles(options?: CallOptions): Promise<readonly StoredFile[]>;
  /** Remembers a failure of one file; endBackup then rejects with all of them joined. */
  recordError(file: StorageName, error: unknown): void;
  hasErrors(): boolean;
  /** Waits for what is in flight and rejects with recorded errors. Idempotent. Contents are kept. */
  endBackup(options?: CallOptions): Promise<void>;
  /** Removes what was written. Does nothing when the backup has a MANIFEST. Idempotent. */
  abortBackup(options?: CallOptions): Promise<void>;
}

/**
 * Vitess' BackupStorage, with its unwritten rules written down. A backup is a directory of files;
 * it is complete when, and only when, it has a file named MANIFEST. Every rule is a behaviour of
 * `describeStorage`.
 *
 * - What a call resolved for is durable, and every client sees it from then on.
 * - Names are checked before anything is touched: HF-STORAGE-003. Names that begin with one another
 *   belong to different backups; nothing done to one touches the other.
 * - Failures of the service are HF-STORAGE-006 with their cause (retryable), refused access
 *   HF-STORAGE-013, a full disk HF-DISK-001, what is not encrypted as was asked HF-STORAGE-016. Where the
 *   backup was taken away under a call, its failure is HF-STORAGE-001.
 * - Of a MANIFEST and an abort at the same time one wins: the backup is complete and whole, or gone and
 *   the put rejects.
 * - Abort, removal and sweep are idempotent; interrupted ones leave an incomplete backup.
 * - A handle proves with each call that changes something that the backup is still its owner's and not
 *   complete: HF-STORAGE-001, HF-STORAGE-002.
 */
export interface BackupStorage {
  /** The name it has in the configuration. */
  readonly name: string;
  capabilities(): StorageCapabilities;
  /** First parts of the directories that are there, sorted: the controllers whose backups it holds. Empty when there are none. */
  listDirectories(options?: CallOptions): Promise<readonly string[]>;
  /** Every backup of a directory, read-only, sorted by name ascending; empty when the directory is missing. */
  listBackups(directory: string, options?: CallOptions): Promise<readonly ReadHandle[]>;
  /** @throws HoldfastError HF-STORAGE-001 when it does not exist. */
  openBackup(directory: string, name: StorageName, options?: CallOptions): Promise<ReadHandle>;
  /**
   * Starts a backup, or resumes it when the same owner started it and it has no MANIFEST.
   * Of two owners racing exactly one wins.
   * @throws HoldfastError HF-STORAGE-002 when another owner has it, or it is complete.
   */
  startBackup(
    directory: string,
    name: StorageName,
    owner: string,
    options?: CallOptions,
  ): Promise<WriteHandle>;
  /** From any process. @throws HF-STORAGE-001 when it does not exist, HF-STORAGE-002 when another owner has it. A complete backup of the same owner may be resumed (to find its commit done). */
  resumeBackup(
    directory: string,
    name: StorageName,
    owner: string,
    options?: CallOptions,
  ): Promise<WriteHandle>;
  /** From any process; nothing to do when it is missing, complete, or another owner's. */
  abortBackup(
    directory: string,
    name: StorageName,
    owner: string,
    options?: CallOptions,
  ): Promise<void>;
  /** All data of the backup, complete or not. Idempotent. It is not listed afterwards. */
  removeBackup(directory: string, name: StorageName, options?: CallOptions): Promise<void>;
  /** Backups with files, sizes, ETags and times, in one listing. */
  scan(directory: string, options?: CallOptions): Promise<readonly ScannedBackup[]>;
  /** Removes what interrupted removals left, unfinished files and incomplete backups, all of them where nobody changed anything since `before` (milliseconds since the epoch). Returns what it removed. */
  sweep(directory: string, before: number, options?: SweepOptions): Promise<readonly string[]>;
  /** Frees connections; the storage stays usable. */
  close(): Promise<void>;
}

/** Name of the file that makes a backup complete. */
export const manifestName = 'MANIFEST';
/** Name of the file that lists every entry of the archive. */
export const indexName = 'INDEX';
