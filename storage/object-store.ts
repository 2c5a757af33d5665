import type { Readable } from 'node:stream';
import type { HoldfastError } from '../core/errors';
import type { ByteRange, StorageCapabilities, UploadOptions, UploadSource } from './contract';

/** An object as a listing of the store shows it. */
export interface StoreObject {
  /** `<directory>/<backup>/<file>`, without the store's own prefix. */
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  /** Changes whenever the content changes. */
  readonly etag: string;
  /** Milliseconds since the epoch. */
  readonly modified: number;
}

/** An upload that was begun and not finished. */
export interface OpenUpload {
  readonly key: string;
  readonly id: string;
  /** Milliseconds since the epoch of its last known change. */
  readonly modified: number;
}

/** Writes one object, which appears when `close` resolves. Calls are made one after the other. */
export interface ObjectWriter {
  write(bytes: Uint8Array): Promise<void>;
  close(): Promise<StoreObject>;
  /** Nothing stays behind. */
  abort(): Promise<void>;
}

/** What the owner of an upload wants to be asked. */
export interface UploadHooks {
  /** Before each report and before the object appears. @throws when the upload must stop */
  check(): Promise<void>;
}

/**
 * What a service of objects must do to be a storage: `ObjectStorage` makes the contract's directories,
 * owners, commits and aborts of it. Reads see what was written before them, listings too. Keys are
 * checked by the caller. Failures are thrown as they are; `failure` turns them into HoldfastErrors.
 */
export interface ObjectStore {
  /** The name of the storage in the configuration. */
  readonly name: string;
  capabilities(): StorageCapabilities;
  /** Every object whose key begins with `prefix`, page by page, in any order. */
  list(prefix: string, signal?: AbortSignal): AsyncIterable<StoreObject>;
  /** The names between `prefix` (empty, or ending in `/`) and the next `/` of all keys, each once. */
  listFolders(prefix: string, signal?: AbortSignal): Promise<string[]>;
  /** Undefined when there is none. */
  head(key: string, signal?: AbortSignal): Promise<StoreObject | undefined>;
  /** The beginning of an object, at most `most` bytes; undefined when there is none. */
  get(key: string, most: number, signal?: AbortSignal): Promise<Buffer | undefined>;
  /**
   * A stream of Buffers with exactly the bytes of the range, or an error; undefined when there is no
   * such object. The range lies inside the object.
   */
  read(object: StoreObject, range: ByteRange, signal?: AbortSignal): Promise<Readable>;
  put(key: string, bytes: Uint8Array, signal?: AbortSignal): Promise<StoreObject>;
  /** Of several at once exactly one is told `written`; asked again after a lost answer it is told so too. */
  putIfAbsent(key: string, bytes: Uint8Array, signal?: AbortSignal): Promise<'written' | 'exists'>;
  /** Removes objects; missing ones are none. @throws when one of them stays */
  remove(keys: readonly string[], signal?: AbortSignal): Promise<void>;
  /** Removes the object if it is still the one that was listed, as well as the service can tell. */
  removeSame(object: StoreObject, signal?: AbortSignal): Promise<void>;
  openWriter(key: string, size: number | undefined, signal?: AbortSignal): Promise<ObjectWriter>;
  /** Resumable (UploadOptions); an upload that fails stays open for the next attempt. */
  upload(
    key: string,
    source: UploadSource,
    options: UploadOptions,
    hooks: UploadHooks,
  ): Promise<StoreObject>;
  /** Open uploads of keys that begin with `prefix`. */
  listUploads(prefix: string, signal?: AbortSignal): Promise<OpenUpload[]>;
  /** Ends an upload and frees what it holds; repeated until the service says that it is gone. */
  abortUpload(upload: OpenUpload, signal?: AbortSignal): Promise<void>;
  /** Called once a backup is complete, with all its keys; again when its commit is repeated. */
  protect(keys: readonly string[], signal?: AbortSignal): Promise<void>;
  /** Called before a backup is removed. @throws HoldfastError HF-STORAGE-012 when it is locked */
  requireUnlocked(manifestKey: string, backup: string, signal?: AbortSignal): Promise<void>;
  /** What nothing refers to, older than `before` (milliseconds since the epoch), if the store has such. */
  sweepOrphans(before: number, signal?: AbortSignal): Promise<string[]>;
  /** The HoldfastError of a failure of the service. */
  failure(operation: string, name: string, error: unknown): HoldfastError;
  close(): Promise<void>;
}
