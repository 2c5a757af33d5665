import type { Readable } from 'node:stream';
import { HoldfastError, isAbort } from '../core/errors';
import {
  type ByteRange,
  type CallOptions,
  type FileWriter,
  type ReadHandle,
  type StoredFile,
  type UploadOptions,
  type UploadSource,
  type WriteHandle,
  manifestName,
} from './contract';
import { ErrorRecorder } from './error-recorder';
import { checkManifest, checkName } from './names';
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
import { ObjectFileWriter } from './object-writer';

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
    protected readonly store: ObjectStore,
    protected readonly place: ObjectPlace,
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
export class ObjectWriteHandle extends ObjectReadHandle implements WriteHandle {
  readonly #errors = new ErrorRecorder();
  readonly #pending = new Set<Promise<unknown>>();
  readonly #writers = new Set<ObjectFileWriter>();
  #aborted = false;

  constructor(
    store: ObjectStore,
    place: ObjectPlace,
    readonly owner: string,
    private readonly abortOwn: (options: CallOptions) => Promise<void>,
  ) {
    super(store, place);
  }

  #check(evenComplete: boolean, signal?: AbortSignal): Promise<void> {
    return requireWritable(this.store, this.place, this.owner, evenComplete, signal);
  }

  async #write<T>(
    operation: string,
    name: string,
    work: () => Promise<T>,
    { signal, evenComplete = false }: CallOptions & { readonly evenComplete?: boolean },
  ): Promise<T> {
    checkName('file', name);
    if (this.#aborted) throw new HoldfastError('HF-STORAGE-004', { operation, mode: 'aborted' });
    const checked = async () => {
      await this.#check(evenComplete, signal);
      return work();
    };
    return this.#track(guard(this.store, 'writing', `${this.name}/${name}`, checked, signal));
  }

  async #track<T>(work: Promise<T>): Promise<T> {
    this.#pending.add(work);
    try {
      return await work;
    } finally {
      this.#pending.delete(work);
    }
  }

  /** What landed after the backup was aborted is taken back. */
  async #confirm(key: string, signal?: AbortSignal): Promise<void> {
    const found = await readObjectOwner(this.store, this.place, signal);
    if (found !== 'nobody') return;
    await this.store.remove([key], signal);
    throw missingBackup(this.store, this.name);
  }

  async addFile(name: string, size?: number, options: CallOptions = {}): Promise<FileWriter> {
    const { signal } = options;
    const open = async () => {
      const key = `${this.place.prefix}${name}`;
      const writer = new ObjectFileWriter(await this.store.openWriter(key, size, signal), {
        name,
        guard: (work) => guard(this.store, 'writing', `${this.name}/${name}`, work, signal),
        check: () => this.#check(false, signal),
        track: async (work) => {
          const stored = await this.#track(work);
          this.#errors.forgive(name);
          return stored;
        },
        confirm: () => this.#confirm(key, signal),
      });
      this.#writers.add(writer);
      return writer;
    };
    return this.#write('addFile', name, open, options);
  }

  async uploadFile(
    name: string,
    source: UploadSource,
    options: UploadOptions,
  ): Promise<StoredFile> {
    const { signal } = options;
    const upload = async (): Promise<StoredFile> => {
      const check = () => this.#check(false, signal);
      const stored = await uploadObject(this.store, this.place, name, source, options, check);
      await this.#confirm(stored.key, signal);
      return described(name, stored);
    };
    const stored = await this.#write('uploadFile', name, upload, options);
    this.#errors.forgive(name);
    return stored;
  }

  async putFile(
    name: string,
    bytes: Uint8Array,
    options: CallOptions & { readonly ifAbsent?: boolean } = {},
  ): Promise<'written' | 'exists'> {
    const { signal } = options;
    const ifAbsent = options.ifAbsent === true;
    const key = `${this.place.prefix}${name}`;
    const put = async (): Promise<'written' | 'exists'> => {
      checkManifest(name, bytes);
      // Also without ifAbsent only one MANIFEST is ever put: an abort may have put its own.
      if (ifAbsent || name === manifestName) return this.#putFirst(name, key, bytes, signal);
      await this.store.put(key, bytes, signal);
      await this.#confirm(key, signal);
      return 'written';
    };
    const result = await this.#write('putFile', name, put, { ...options, evenComplete: ifAbsent });
    this.#errors.forgive(name);
    return result;
  }

  async #putFirst(
    name: string,
    key: string,
    bytes: Uint8Array,
    signal?: AbortSignal,
  ): Promise<'written' | 'exists'> {
    const result = await this.store.putIfAbsent(key, bytes, signal);
    if (result === 'written') await this.#confirm(key, signal);
    else await this.#check(true, signal);
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

  recordError(file: string, error: unknown): void {
    this.#errors.record(file, error);
  }

  hasErrors(): boolean {
    return this.#errors.any;
  }

  async endBackup(options: CallOptions = {}): Promise<void> {
    options.signal?.throwIfAborted();
    // Each failure reached its own caller; here only the end of the work counts.
    await Promise.allSettled(this.#pending);
    this.#errors.throwIfAny(this.store.name, this.name);
  }

  async abortBackup(options: CallOptions = {}): Promise<void> {
    this.#aborted = true;
    await Promise.all([...this.#writers].map((writer) => writer.abort()));
    await this.abortOwn(options);
    // Nothing new can start, and what is in flight finds the backup gone.
    await Promise.allSettled(this.#pending);
  }
}

function described(name: string, { size, etag, modified }: StoreObject): StoredFile {
  return { name, size, etag, modified };
}
