import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { HoldfastError } from '../core/errors';
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
import {
  createWhole,
  describeFiles,
  partName,
  removeIfThere,
  removeParts,
  writeAt,
} from './file-parts';
import { checkWritable, createPartIn, publish, type OpenBackup } from './file-publish';
import { readStoredFile } from './file-reader';
import { uploadPart } from './file-upload';
import { hasCode } from './file-volume';
import { openWriter } from './file-writer';
import { checkManifest, checkName } from './names';

type Place = Pick<OpenBackup, 'volume' | 'directory' | 'name' | 'path'>;

/** A backup of a file storage, to be read. */
export class FileReadHandle implements ReadHandle {
  readonly directory: string;
  readonly name: string;

  constructor(private readonly place: Place) {
    this.directory = place.directory;
    this.name = place.name;
  }

  async readFile(name: string, range?: ByteRange, options: CallOptions = {}): Promise<Readable> {
    checkName('file', name);
    const { volume, path } = this.place;
    return readStoredFile(volume, this.name, join(path, name), name, range, options.signal);
  }

  async listFiles(options: CallOptions = {}): Promise<readonly StoredFile[]> {
    const { volume, path } = this.place;
    return volume.guard('listing', this.name, () => listOrNothing(path), options);
  }
}

/** A backup that was removed meanwhile has no files. */
async function listOrNothing(path: string): Promise<StoredFile[]> {
  try {
    return await describeFiles(path);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  }
}

/** A backup of a file storage, to be written by its owner. */
export class FileWriteHandle extends FileReadHandle implements WriteHandle {
  readonly owner: string;
  readonly #errors = new ErrorRecorder();
  readonly #pending = new Set<Promise<unknown>>();
  readonly #writers = new Set<FileWriter>();
  #aborted = false;

  constructor(
    private readonly backup: OpenBackup,
    private readonly progressBytes: number,
    private readonly abortOwn: (options: CallOptions) => Promise<void>,
  ) {
    super(backup);
    this.owner = backup.owner;
  }

  async #write<T>(
    operation: string,
    name: string,
    work: () => Promise<T>,
    options: CallOptions & { readonly need?: number | undefined; readonly evenComplete?: boolean },
  ): Promise<T> {
    checkName('file', name);
    if (this.#aborted) throw new HoldfastError('HF-STORAGE-004', { operation, mode: 'aborted' });
    const { volume } = this.backup;
    const checked = async () => {
      await checkWritable(this.backup, options.evenComplete);
      return work();
    };
    return this.#track(volume.guard('writing', `${this.name}/${name}`, checked, options));
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
    const track = async <T>(work: Promise<T>): Promise<T> => {
      const result = await this.#track(work);
      this.#errors.forgive(name);
      return result;
    };
    const open = async () => {
      const { signal } = options;
      const writer = await openWriter(this.backup, name, { size, signal, track });
      this.#writers.add(writer);
      return writer;
    };
    return this.#write('addFile', name, open, { ...options, need: size });
  }

  async uploadFile(
    name: string,
    source: UploadSource,
    options: UploadOptions,
  ): Promise<StoredFile> {
    const upload = () => uploadPart(this.backup, name, source, options, this.progressBytes);
    const stored = await this.#write('uploadFile', name, upload, {
      ...options,
      need: source.size - (options.resume?.acknowledged ?? 0),
    });
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
      return ifAbsent ? createWhole(this.backup.path, name, bytes) : this.#replace(name, bytes);
    };
    // A conditional put changes nothing that is there, so it may meet the commit already done.
    const result = await this.#write('putFile', name, put, {
      ...options,
      need: bytes.length,
      evenComplete: ifAbsent,
    });
    this.#errors.forgive(name);
    // Complete: nobody may go on writing, so what killed attempts left has no use any more.
    if (ifAbsent && name === manifestName) await removeParts(this.backup.path);
    return result;
  }

  async #replace(name: string, bytes: Uint8Array): Promise<'written'> {
    const part = partName(name, 'new');
    const file = await createPartIn(this.backup, part);
    try {
      await writeAt(file, bytes, 0);
      await publish(this.backup, file, part, name, bytes.length);
      return 'written';
    } finally {
      await file.close();
      await removeIfThere(join(this.backup.path, part));
    }
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
    this.#errors.throwIfAny(this.backup.volume.name, this.name);
  }

  async abortBackup(options: CallOptions = {}): Promise<void> {
    this.#aborted = true;
    await Promise.all([...this.#writers].map((writer) => writer.abort()));
    await this.abortOwn(options);
    // Nothing new can start, and what is in flight finds the backup gone.
    await Promise.allSettled(this.#pending);
  }
}
