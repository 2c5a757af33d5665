import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { HoldfastError } from '../core/errors';
import type { FileWriter, StoredFile } from './contract';
import { partName, removeIfThere, writeAt } from './file-parts';
import { createPartIn, publish, type OpenBackup } from './file-publish';

interface WriterOptions {
  /** Expected bytes, if known. */
  readonly size: number | undefined;
  readonly signal: AbortSignal | undefined;
  /** Told of the commit while it runs. */
  readonly track: <T>(work: Promise<T>) => Promise<T>;
}

/** Writes one file into a part of its own; `close` makes it appear. Calls are done in their order. */
class PartWriter implements FileWriter {
  #written = 0;
  #state: 'open' | 'closed' | 'aborted' = 'open';
  #last: Promise<unknown> = Promise.resolve();
  #stored: Promise<StoredFile> | undefined;

  constructor(
    private readonly backup: OpenBackup,
    private readonly name: string,
    private readonly part: string,
    private readonly file: FileHandle,
    private readonly options: WriterOptions,
  ) {}

  #inOrder<T>(operation: string, work: () => Promise<T>): Promise<T> {
    const next = this.#last.then(() =>
      this.backup.volume.guard(operation, `${this.backup.name}/${this.name}`, work, {
        signal: this.options.signal,
        need: this.options.size === undefined ? undefined : this.options.size - this.#written,
      }),
    );
    // Only the order: a failure reaches the caller through the promise that is returned.
    this.#last = next.catch(() => undefined);
    return next;
  }

  #refuse(operation: string): HoldfastError {
    return new HoldfastError('HF-STORAGE-004', { operation, mode: this.#state });
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#state !== 'open') throw this.#refuse('write');
    return this.#inOrder('writing', async () => {
      await writeAt(this.file, bytes, this.#written);
      this.#written += bytes.length;
    });
  }

  async close(): Promise<StoredFile> {
    if (this.#state === 'aborted') throw this.#refuse('close');
    this.#state = 'closed';
    this.#stored ??= this.options.track(this.#commit());
    return this.#stored;
  }

  async #commit(): Promise<StoredFile> {
    try {
      return await this.#inOrder('writing', () =>
        publish(this.backup, this.file, this.part, this.name, this.#written),
      );
    } finally {
      await this.#discard();
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

  async #discard(): Promise<void> {
    await this.file.close();
    await removeIfThere(join(this.backup.path, this.part));
  }
}

/** Opens a writer. @throws HoldfastError HF-STORAGE-001 when the backup is gone. */
export async function openWriter(
  backup: OpenBackup,
  name: string,
  options: WriterOptions,
): Promise<FileWriter> {
  const part = partName(name, 'new');
  const file = await createPartIn(backup, part);
  return new PartWriter(backup, name, part, file, options);
}
