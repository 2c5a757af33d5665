import type { Readable } from 'node:stream';
import type {
  BackupStorage,
  CallOptions,
  FileWriter,
  ReadHandle,
  UploadSource,
  WriteHandle,
} from './contract';

/** A call of a storage, its handles and writers, by the name of the method. */
export type StorageOperation =
  | 'listDirectories'
  | 'listBackups'
  | 'openBackup'
  | 'startBackup'
  | 'resumeBackup'
  | 'abortBackup'
  | 'removeBackup'
  | 'scan'
  | 'sweep'
  | 'readFile'
  | 'listFiles'
  | 'addFile'
  | 'uploadFile'
  | 'putFile'
  | 'endBackup'
  | 'write'
  | 'closeFile';

/** What a wrapper does around another storage; whatever it leaves out goes straight through. */
export interface Wrapping {
  /** Around every call; `signal` is the call's. */
  call?<T>(operation: StorageOperation, work: () => Promise<T>, signal?: AbortSignal): Promise<T>;
  /** Before bytes are written; gives what is written in their place. */
  sent?(bytes: Uint8Array, signal?: AbortSignal): Promise<Uint8Array>;
  /** Gives the stream that is read in place of the storage's. */
  received?(stream: Readable, signal?: AbortSignal): Readable;
}

type Handles = Pick<ReadHandle, 'readFile' | 'listFiles'>;

class Wrapper {
  constructor(private readonly wrapping: Wrapping) {}

  call<T>(operation: StorageOperation, work: () => Promise<T>, options?: CallOptions): Promise<T> {
    return this.wrapping.call?.(operation, work, options?.signal) ?? work();
  }

  #sent(bytes: Uint8Array, options?: CallOptions): Promise<Uint8Array> {
    return this.wrapping.sent?.(bytes, options?.signal) ?? Promise.resolve(bytes);
  }

  #reading(handle: Handles): Handles {
    const { wrapping } = this;
    return {
      readFile: (name, range, options) =>
        this.call(
          'readFile',
          async () => {
            const stream = await handle.readFile(name, range, options);
            return wrapping.received?.(stream, options?.signal) ?? stream;
          },
          options,
        ),
      listFiles: (options) => this.call('listFiles', () => handle.listFiles(options), options),
    };
  }

  read(handle: ReadHandle): ReadHandle {
    return { directory: handle.directory, name: handle.name, ...this.#reading(handle) };
  }

  #source(source: UploadSource, options: CallOptions): UploadSource {
    const sent = (bytes: Uint8Array) => this.#sent(bytes, options);
    return {
      size: source.size,
      async *read(start, signal) {
        for await (const chunk of source.read(start, signal)) yield await sent(chunk);
      },
    };
  }

  #writer(writer: FileWriter, options?: CallOptions): FileWriter {
    return {
      write: (bytes) =>
        this.call('write', async () => writer.write(await this.#sent(bytes, options)), options),
      close: () => this.call('closeFile', () => writer.close(), options),
      abort: () => writer.abort(),
    };
  }

  write(handle: WriteHandle): WriteHandle {
    const { directory, name, owner } = handle;
    return {
      directory,
      name,
      owner,
      ...this.#reading(handle),
      addFile: (file, size, options) =>
        this.call(
          'addFile',
          async () => this.#writer(await handle.addFile(file, size, options), options),
          options,
        ),
      uploadFile: (file, source, options) =>
        this.call(
          'uploadFile',
          () => handle.uploadFile(file, this.#source(source, options), options),
          options,
        ),
      putFile: (file, bytes, options) =>
        this.call(
          'putFile',
          async () => handle.putFile(file, await this.#sent(bytes, options), options),
          options,
        ),
      recordError: (file, error) => handle.recordError(file, error),
      hasErrors: () => handle.hasErrors(),
      endBackup: (options) => this.call('endBackup', () => handle.endBackup(options), options),
      abortBackup: (options) =>
        this.call('abortBackup', () => handle.abortBackup(options), options),
    };
  }
}

/** A storage that behaves as `inner` with `wrapping` around it. */
export function wrapStorage(inner: BackupStorage, wrapping: Wrapping): BackupStorage {
  const wrapper = new Wrapper(wrapping);
  return {
    name: inner.name,
    capabilities: () => inner.capabilities(),
    listDirectories: (options) =>
      wrapper.call('listDirectories', () => inner.listDirectories(options), options),
    listBackups: (directory, options) =>
      wrapper.call(
        'listBackups',
        async () =>
          (await inner.listBackups(directory, options)).map((handle) => wrapper.read(handle)),
        options,
      ),
    openBackup: (directory, name, options) =>
      wrapper.call(
        'openBackup',
        async () => wrapper.read(await inner.openBackup(directory, name, options)),
        options,
      ),
    startBackup: (directory, name, owner, options) =>
      wrapper.call(
        'startBackup',
        async () => wrapper.write(await inner.startBackup(directory, name, owner, options)),
        options,
      ),
    resumeBackup: (directory, name, owner, options) =>
      wrapper.call(
        'resumeBackup',
        async () => wrapper.write(await inner.resumeBackup(directory, name, owner, options)),
        options,
      ),
    abortBackup: (directory, name, owner, options) =>
      wrapper.call(
        'abortBackup',
        () => inner.abortBackup(directory, name, owner, options),
        options,
      ),
    removeBackup: (directory, name, options) =>
      wrapper.call('removeBackup', () => inner.removeBackup(directory, name, options), options),
    scan: (directory, options) =>
      wrapper.call('scan', () => inner.scan(directory, options), options),
    sweep: (directory, before, options) =>
      wrapper.call('sweep', () => inner.sweep(directory, before, options), options),
    close: () => inner.close(),
  };
}
