import { HoldfastError } from '../core/errors';
import type { FileWriter, StoredFile } from './contract';

/** Where the bytes of one file go; its calls are made one after the other. */
export interface FileSink {
  write(bytes: Uint8Array): Promise<void>;
  /** Makes the file appear, whole and durable; frees what the sink holds when that succeeds. */
  commit(): Promise<StoredFile>;
  /** Nothing stays behind: the file was given up, or its commit failed. */
  discard(): Promise<void>;
}

interface Hooks {
  /** Around each piece of work: gives failures their code. */
  readonly guard: <T>(work: () => Promise<T>) => Promise<T>;
  /** Around the commit: it is waited for when the backup ends. */
  readonly track: <T>(work: Promise<T>) => Promise<T>;
}

/** The writer of one file: calls are done in their order, and none after `close` or `abort`. */
export class OrderedWriter implements FileWriter {
  #state: 'open' | 'closed' | 'aborted' = 'open';
  #last: Promise<unknown> = Promise.resolve();
  #stored: Promise<StoredFile> | undefined;

  constructor(
    private readonly sink: FileSink,
    private readonly hooks: Hooks,
  ) {}

  #inOrder<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#last.then(() => this.hooks.guard(work));
    // Only the order: a failure reaches the caller through the promise that is returned.
    this.#last = next.catch(() => undefined);
    return next;
  }

  #refuse(operation: string): HoldfastError {
    return new HoldfastError('HF-STORAGE-004', { operation, mode: this.#state });
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#state !== 'open') throw this.#refuse('write');
    return this.#inOrder(() => this.sink.write(bytes));
  }

  async close(): Promise<StoredFile> {
    if (this.#state === 'aborted') throw this.#refuse('close');
    this.#state = 'closed';
    this.#stored ??= this.hooks.track(this.#commit());
    return this.#stored;
  }

  async #commit(): Promise<StoredFile> {
    try {
      return await this.#inOrder(() => this.sink.commit());
    } catch (error) {
      await this.sink.discard();
      throw error;
    }
  }

  async abort(): Promise<void> {
    if (this.#state !== 'open') {
      await this.#last;
      return;
    }
    this.#state = 'aborted';
    await this.#last;
    await this.sink.discard();
  }
}
