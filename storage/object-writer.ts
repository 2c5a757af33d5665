import { HoldfastError } from '../core/errors';
import type { FileWriter, StoredFile } from './contract';
import type { ObjectWriter } from './object-store';

interface WriterHooks {
  readonly name: string;
  readonly guard: <T>(work: () => Promise<T>) => Promise<T>;
  /** Before the file appears. */
  readonly check: () => Promise<void>;
  /** After it appeared. */
  readonly confirm: () => Promise<void>;
  readonly track: <T>(work: Promise<T>) => Promise<T>;
}

/** A file of a backup in an object store; calls are done in their order. */
export class ObjectFileWriter implements FileWriter {
  #state: 'open' | 'closed' | 'aborted' = 'open';
  #last: Promise<unknown> = Promise.resolve();
  #stored: Promise<StoredFile> | undefined;

  constructor(
    private readonly writer: ObjectWriter,
    private readonly hooks: WriterHooks,
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
    return this.#inOrder(() => this.writer.write(bytes));
  }

  async close(): Promise<StoredFile> {
    if (this.#state === 'aborted') throw this.#refuse('close');
    this.#state = 'closed';
    this.#stored ??= this.hooks.track(this.#commit());
    return this.#stored;
  }

  async #commit(): Promise<StoredFile> {
    try {
      return await this.#inOrder(async () => {
        await this.hooks.check();
        const { size, etag, modified } = await this.writer.close();
        await this.hooks.confirm();
        return { name: this.hooks.name, size, etag, modified };
      });
    } catch (error) {
      await this.#discard();
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
    await this.#discard();
  }

  /** A failure to clean up is not the caller's: `abortBackup` and `sweep` find what stays. */
  async #discard(): Promise<void> {
    await this.writer.abort().catch(() => undefined);
  }
}
