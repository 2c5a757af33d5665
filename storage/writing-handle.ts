import type { Readable } from 'node:stream';
import { HoldfastError, isHoldfastError } from '../core/errors';
import {
  type ByteRange,
  type CallOptions,
  type FileWriter,
  type ReadHandle,
  type StoredFile,
  type UploadOptions,
  type UploadSource,
  type WriteHandle,
} from './contract';
import { ErrorRecorder } from './error-recorder';
import { checkManifest, checkName } from './names';
import { OrderedWriter, type FileSink } from './ordered-writer';

/** What a piece of work says of itself, for the error of its failure. */
export interface GuardOptions extends CallOptions {
  /** Bytes that are still to be written, where that is known. */
  readonly need?: number | undefined;
}

interface WriteOptions extends GuardOptions {
  /** It may meet the commit already done. */
  readonly evenComplete?: boolean;
}

/**
 * What every handle of a backup being written keeps: work under way, open writers, failures of single
 * files, and whether it was aborted. How bytes are stored is its subclass's.
 */
export abstract class WritingHandle implements WriteHandle {
  readonly directory: string;
  readonly name: string;
  readonly #errors = new ErrorRecorder();
  readonly #pending = new Set<Promise<unknown>>();
  readonly #writers = new Set<FileWriter>();
  #aborted = false;

  constructor(
    private readonly storage: string,
    private readonly reader: ReadHandle,
    readonly owner: string,
    private readonly abortOwn: (options: CallOptions) => Promise<void>,
  ) {
    this.directory = reader.directory;
    this.name = reader.name;
  }

  /** Runs `work` on a file of this name; failures of the service get their code. */
  protected abstract guard<T>(
    name: string,
    work: () => Promise<T>,
    options: GuardOptions,
  ): Promise<T>;

  /** @throws HoldfastError HF-STORAGE-001, HF-STORAGE-002 when the backup is not to be written any more */
  protected abstract requireWritable(evenComplete: boolean, signal?: AbortSignal): Promise<void>;

  protected abstract openSink(
    name: string,
    size: number | undefined,
    signal?: AbortSignal,
  ): Promise<FileSink>;

  protected abstract upload(
    name: string,
    source: UploadSource,
    options: UploadOptions,
  ): Promise<StoredFile>;

  /** Called with a MANIFEST that is not empty. */
  protected abstract put(
    name: string,
    bytes: Uint8Array,
    ifAbsent: boolean,
    signal?: AbortSignal,
  ): Promise<'written' | 'exists'>;

  readFile(name: string, range?: ByteRange, options?: CallOptions): Promise<Readable> {
    return this.reader.readFile(name, range, options);
  }

  listFiles(options?: CallOptions): Promise<readonly StoredFile[]> {
    return this.reader.listFiles(options);
  }

  async #write<T>(
    operation: string,
    name: string,
    work: () => Promise<T>,
    options: WriteOptions,
  ): Promise<T> {
    checkName('file', name);
    if (this.#aborted) throw new HoldfastError('HF-STORAGE-004', { operation, mode: 'aborted' });
    const evenComplete = options.evenComplete === true;
    const checked = async () => {
      await this.requireWritable(evenComplete, options.signal);
      return work();
    };
    return this.#track(this.#guarded(name, checked, options, evenComplete));
  }

  /** A service that fails because the backup was taken away under the work is not what failed. */
  async #guarded<T>(
    name: string,
    work: () => Promise<T>,
    options: GuardOptions,
    evenComplete = false,
  ): Promise<T> {
    try {
      return await this.guard(name, work, options);
    } catch (error) {
      if (isHoldfastError(error, 'HF-STORAGE-006')) {
        await this.#askWhetherGone(evenComplete, error, options.signal);
      }
      throw error;
    }
  }

  async #askWhetherGone(
    evenComplete: boolean,
    cause: HoldfastError,
    signal?: AbortSignal,
  ): Promise<void> {
    try {
      await this.requireWritable(evenComplete, signal);
    } catch (error) {
      // Any other failure of the question says no more than the one that led to it.
      if (isHoldfastError(error, 'HF-STORAGE-002')) throw error;
      if (!isHoldfastError(error, 'HF-STORAGE-001')) return;
      const params = { storage: this.storage, name: this.name };
      throw new HoldfastError('HF-STORAGE-001', params, { cause });
    }
  }

  async #track<T>(work: Promise<T>): Promise<T> {
    this.#pending.add(work);
    try {
      return await work;
    } finally {
      this.#pending.delete(work);
    }
  }

  async addFile(name: string, size?: number, options: CallOptions = {}): Promise<FileWriter> {
    const { signal } = options;
    const guard = { ...options, need: size };
    const open = async () => {
      const writer = new OrderedWriter(await this.openSink(name, size, signal), {
        guard: (work) => this.#guarded(name, work, guard),
        track: async (work) => {
          const stored = await this.#track(work);
          this.#errors.forgive(name);
          return stored;
        },
      });
      this.#writers.add(writer);
      return writer;
    };
    return this.#write('addFile', name, open, guard);
  }

  async uploadFile(
    name: string,
    source: UploadSource,
    options: UploadOptions,
  ): Promise<StoredFile> {
    const upload = () => this.upload(name, source, options);
    const need = source.size - (options.resume?.acknowledged ?? 0);
    const stored = await this.#write('uploadFile', name, upload, { ...options, need });
    this.#errors.forgive(name);
    return stored;
  }

  async putFile(
    name: string,
    bytes: Uint8Array,
    options: CallOptions & { readonly ifAbsent?: boolean } = {},
  ): Promise<'written' | 'exists'> {
    const ifAbsent = options.ifAbsent === true;
    const put = async () => {
      checkManifest(name, bytes);
      return this.put(name, bytes, ifAbsent, options.signal);
    };
    // A conditional put changes nothing that is there, so it may meet the commit already done.
    const result = await this.#write('putFile', name, put, {
      ...options,
      need: bytes.length,
      evenComplete: ifAbsent,
    });
    this.#errors.forgive(name);
    return result;
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
    this.#errors.throwIfAny(this.storage, this.name);
  }

  async abortBackup(options: CallOptions = {}): Promise<void> {
    this.#aborted = true;
    await Promise.all([...this.#writers].map((writer) => writer.abort()));
    await this.abortOwn(options);
    // Nothing new can start, and what is in flight finds the backup gone.
    await Promise.allSettled(this.#pending);
  }
}
