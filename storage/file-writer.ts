import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { writeAt } from '../config/write-at';
import type { StoredFile } from './contract';
import { partName, removeIfThere } from './file-parts';
import { createPartIn, publish, type OpenBackup } from './file-publish';
import type { FileSink } from './ordered-writer';

/** One file in a part of its own; the commit makes it appear. */
class PartSink implements FileSink {
  #written = 0;

  constructor(
    private readonly backup: OpenBackup,
    private readonly name: string,
    private readonly part: string,
    private readonly file: FileHandle,
  ) {}

  async write(bytes: Uint8Array): Promise<void> {
    await writeAt(this.file, bytes, this.#written);
    this.#written += bytes.length;
  }

  async commit(): Promise<StoredFile> {
    const stored = await publish(this.backup, this.file, this.part, this.name, this.#written);
    await this.file.close();
    return stored;
  }

  async discard(): Promise<void> {
    await this.file.close();
    await removeIfThere(join(this.backup.path, this.part));
  }
}

/** Opens a file to write. @throws HoldfastError HF-STORAGE-001 when the backup is gone. */
export async function openPartSink(backup: OpenBackup, name: string): Promise<FileSink> {
  const part = partName(name, 'new');
  const file = await createPartIn(backup, part);
  return new PartSink(backup, name, part, file);
}
