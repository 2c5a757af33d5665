import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { writeAt } from '../config/write-at';
import {
  type ByteRange,
  type CallOptions,
  type ReadHandle,
  type StoredFile,
  type UploadOptions,
  type UploadSource,
  manifestName,
} from './contract';
import { createWhole, describeFiles, partName, removeIfThere, removeParts } from './file-parts';
import { checkWritable, createPartIn, publish, type OpenBackup } from './file-publish';
import { readStoredFile } from './file-reader';
import { uploadPart } from './file-upload';
import { hasCode } from './file-volume';
import { openPartSink } from './file-writer';
import { checkName } from './names';
import type { FileSink } from './ordered-writer';
import { WritingHandle, type GuardOptions } from './writing-handle';

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
export class FileWriteHandle extends WritingHandle {
  constructor(
    private readonly backup: OpenBackup,
    private readonly progressBytes: number,
    abortOwn: (options: CallOptions) => Promise<void>,
  ) {
    super(backup.volume.name, new FileReadHandle(backup), backup.owner, abortOwn);
  }

  protected guard<T>(name: string, work: () => Promise<T>, options: GuardOptions): Promise<T> {
    return this.backup.volume.guard('writing', `${this.name}/${name}`, work, options);
  }

  protected requireWritable(evenComplete: boolean): Promise<void> {
    return checkWritable(this.backup, evenComplete);
  }

  #requireFree(name: string, need: number): Promise<void> {
    return this.backup.volume.requireFree(`${this.name}/${name}`, need);
  }

  protected async openSink(name: string, size: number | undefined): Promise<FileSink> {
    await this.#requireFree(name, size ?? 0);
    return openPartSink(this.backup, name);
  }

  protected async upload(
    name: string,
    source: UploadSource,
    options: UploadOptions,
  ): Promise<StoredFile> {
    await this.#requireFree(name, source.size - (options.resume?.acknowledged ?? 0));
    return uploadPart(this.backup, name, source, options, this.progressBytes);
  }

  protected async put(
    name: string,
    bytes: Uint8Array,
    ifAbsent: boolean,
  ): Promise<'written' | 'exists'> {
    if (!ifAbsent) return this.#replace(name, bytes);
    const result = await createWhole(this.backup.path, name, bytes);
    // Complete: nobody may go on writing, so what killed attempts left has no use any more.
    if (name === manifestName) await removeParts(this.backup.path);
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
}
