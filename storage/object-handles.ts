import type { Readable } from 'node:stream';
import { HoldfastError, isAbort } from '../core/errors';
import {
  type ByteRange,
  type CallOptions,
  type ReadHandle,
  type StoredFile,
  type UploadOptions,
  type UploadSource,
  manifestName,
} from './contract';
import { checkName } from './names';
import {
  filesOf,
  listAll,
  missingBackup,
  readObjectOwner,
  requireWritable,
  type ObjectPlace,
} from './object-backup';
import { abortUploads } from './object-removal';
import type { ObjectStore, StoreObject } from './object-store';
import { hiddenObjects, uploadObject } from './object-upload';
import type { FileSink } from './ordered-writer';
import { WritingHandle, type GuardOptions } from './writing-handle';

/** Runs `work`; failures of the service get their code, our own and aborts pass. */
export async function guard<T>(
  store: ObjectStore,
  operation: string,
  name: string,
  work: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  try {
    signal?.throwIfAborted();
    return await work();
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    signal?.throwIfAborted();
    throw isAbort(error) ? error : store.failure(operation, name, error);
  }
}

/** A backup of an object store, to be read. */
export class ObjectReadHandle implements ReadHandle {
  readonly directory: string;
  readonly name: string;

  constructor(
    private readonly store: ObjectStore,
    private readonly place: ObjectPlace,
  ) {
    this.directory = place.directory;
    this.name = place.name;
  }

  async readFile(name: string, range?: ByteRange, options: CallOptions = {}): Promise<Readable> {
    checkName('file', name);
    const { store, place } = this;
    const read = async (): Promise<Readable> => {
      const object = await store.head(`${place.prefix}${name}`, options.signal);
      const missing = object === undefined || (name === manifestName && object.size === 0);
      if (missing) {
        const params = { backup: this.name, storage: store.name, name };
        throw new HoldfastError('HF-STORAGE-007', params);
      }
      const wanted = range ?? { start: 0, end: object.size };
      if (!(wanted.start >= 0 && wanted.start <= wanted.end)) {
        throw new RangeError(`no range of bytes: ${wanted.start} to ${wanted.end}`);
      }
      if (wanted.end > object.size) {
        throw new HoldfastError('HF-STORAGE-009', {
          storage: store.name,
          name: `${this.name}/${name}`,
          found: `${object.size} bytes`,
          expected: `at least ${wanted.end}`,
        });
      }
      return store.read(object, wanted, options.signal);
    };
    return guard(store, 'reading', `${this.name}/${name}`, read, options.signal);
  }

  async listFiles(options: CallOptions = {}): Promise<readonly StoredFile[]> {
    const { store, place } = this;
    const list = async () =>
      filesOf(await listAll(store, place.prefix, options.signal), place.prefix);
    return guard(store, 'listing', this.name, list, options.signal);
  }
}

/** A backup of an object store, to be written by its owner. */
export class ObjectWriteHandle extends WritingHandle {
  constructor(
    private readonly store: ObjectStore,
    private readonly place: ObjectPlace,
    owner: string,
    abortOwn: (options: CallOptions) => Promise<void>,
  ) {
    super(store.name, new ObjectReadHandle(store, place), owner, abortOwn);
  }

  protected guard<T>(name: string, work: () => Promise<T>, { signal }: GuardOptions): Promise<T> {
    return guard(this.store, 'writing', `${this.name}/${name}`, work, signal);
  }

  protected requireWritable(evenComplete: boolean, signal?: AbortSignal): Promise<void> {
    return requireWritable(this.store, this.place, this.owner, evenComplete, signal);
  }

  /** What landed after the backup was aborted is taken back. */
  async #confirm(key: string, signal?: AbortSignal): Promise<void> {
    const found = await readObjectOwner(this.store, this.place, signal);
    if (found !== 'nobody') return;
    await this.store.remove([key], signal);
    throw missingBackup(this.store, this.name);
  }

  protected async openSink(
    name: string,
    size: number | undefined,
    signal?: AbortSignal,
  ): Promise<FileSink> {
    const key = `${this.place.prefix}${name}`;
    const writer = await this.store.openWriter(key, size, signal);
    return {
      write: (bytes) => writer.write(bytes),
      commit: async () => {
        await this.requireWritable(false, signal);
        const stored = await writer.close();
        await this.#confirm(key, signal);
        return described(name, stored);
      },
      // A failure to clean up is not the caller's: `abortBackup` and `sweep` find what stays.
      discard: () => writer.abort().catch(() => undefined),
    };
  }

  protected async upload(
    name: string,
    source: UploadSource,
    options: UploadOptions,
  ): Promise<StoredFile> {
    const { signal } = options;
    const check = () => this.requireWritable(false, signal);
    const stored = await uploadObject(this.store, this.place, name, source, options, check);
    await this.#confirm(stored.key, signal);
    return described(name, stored);
  }

  protected async put(
    name: string,
    bytes: Uint8Array,
    ifAbsent: boolean,
    signal?: AbortSignal,
  ): Promise<'written' | 'exists'> {
    const key = `${this.place.prefix}${name}`;
    // Also without ifAbsent only one MANIFEST is ever put: an abort may have put its own.
    if (ifAbsent || name === manifestName) return this.#putFirst(name, key, bytes, signal);
    await this.store.put(key, bytes, signal);
    await this.#confirm(key, signal);
    return 'written';
  }

  async #putFirst(
    name: string,
    key: string,
    bytes: Uint8Array,
    signal?: AbortSignal,
  ): Promise<'written' | 'exists'> {
    const result = await this.store.putIfAbsent(key, bytes, signal);
    if (result === 'written') await this.#confirm(key, signal);
    else await this.requireWritable(true, signal);
    if (name === manifestName) await this.#finish(signal);
    return result;
  }

  /** Complete: nobody may go on writing, so what killed attempts left has no use any more. */
  async #finish(signal?: AbortSignal): Promise<void> {
    const { store, place } = this;
    await abortUploads(store, place.prefix, signal);
    const objects = await listAll(store, place.prefix, signal);
    await store.remove(hiddenObjects(objects, place), signal);
    const files = filesOf(objects, place.prefix).map((file) => `${place.prefix}${file.name}`);
    await store.protect(files, signal);
  }
}

function described(name: string, { size, etag, modified }: StoreObject): StoredFile {
  return { name, size, etag, modified };
}
