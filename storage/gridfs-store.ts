import type { Readable } from 'node:stream';
import type { HoldfastError } from '../core/errors';
import type {
  BackupStorage,
  ByteRange,
  StorageCapabilities,
  UploadOptions,
  UploadSource,
} from './contract';
import type { GridfsStorageOptions } from './gridfs-options';
import { describeFile, discard, removeFile } from './gridfs-publish';
import { streamFile } from './gridfs-reader';
import { GridfsService } from './gridfs-service';
import { sweepChunks } from './gridfs-sweep';
import { uploadChunks } from './gridfs-upload';
import { GridfsWriter } from './gridfs-writer';
import { ObjectStorage } from './object-storage';
import type {
  ObjectStore,
  ObjectWriter,
  OpenUpload,
  StoreObject,
  UploadHooks,
} from './object-store';

/** Keys that begin with `prefix`. */
const below = (prefix: string) => ({ $gte: prefix, $lt: `${prefix}\u{10ffff}` });

/** A GridFS bucket as a store of objects. */
class GridfsStore implements ObjectStore {
  readonly name: string;
  readonly #service: GridfsService;

  constructor(options: GridfsStorageOptions) {
    this.name = options.name;
    this.#service = new GridfsService(options);
  }

  capabilities(): StorageCapabilities {
    return { conditionalPut: true, retention: false, ranges: true, place: 'anywhere' };
  }

  async *list(prefix: string, signal?: AbortSignal): AsyncGenerator<StoreObject> {
    const { files } = await this.#service.collections();
    for await (const file of files.find({ filename: below(prefix) })) {
      signal?.throwIfAborted();
      yield describeFile(file);
    }
  }

  async listFolders(prefix: string): Promise<string[]> {
    const { files } = await this.#service.collections();
    const rest = { $substrBytes: ['$filename', prefix.length, -1] };
    const found = files.aggregate<{ _id: string; deep: boolean }>([
      { $match: { filename: below(prefix) } },
      { $project: { parts: { $split: [rest, '/'] } } },
      { $match: { 'parts.1': { $exists: true } } },
      { $group: { _id: { $arrayElemAt: ['$parts', 0] } } },
    ]);
    return (await found.toArray()).map(({ _id }) => _id);
  }

  async head(key: string): Promise<StoreObject | undefined> {
    const { files } = await this.#service.collections();
    const file = await files.findOne({ filename: key });
    return file === null ? undefined : describeFile(file);
  }

  async get(key: string, most: number, signal?: AbortSignal): Promise<Buffer | undefined> {
    const object = await this.head(key);
    if (object === undefined) return undefined;
    const chunks: Buffer[] = [];
    const stream = await this.read(object, { start: 0, end: Math.min(most, object.size) }, signal);
    for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  read(object: StoreObject, range: ByteRange, signal?: AbortSignal): Promise<Readable> {
    return streamFile(this.#service, object, range, signal);
  }

  async put(key: string, bytes: Uint8Array, signal?: AbortSignal): Promise<StoreObject> {
    const writer = await GridfsWriter.open(this.#service, key, signal);
    try {
      await writer.write(bytes);
      return await writer.close();
    } catch (error) {
      await writer.abort().catch(() => undefined);
      throw error;
    }
  }

  async putIfAbsent(
    key: string,
    bytes: Uint8Array,
    signal?: AbortSignal,
  ): Promise<'written' | 'exists'> {
    if ((await this.head(key)) !== undefined) return 'exists';
    const writer = await GridfsWriter.open(this.#service, key, signal);
    try {
      await writer.write(bytes);
      if ((await writer.publish(true)) !== undefined) return 'written';
    } catch (error) {
      await writer.abort().catch(() => undefined);
      throw error;
    }
    await writer.abort();
    return 'exists';
  }

  async remove(keys: readonly string[], signal?: AbortSignal): Promise<void> {
    for (const key of keys) {
      signal?.throwIfAborted();
      await removeFile(this.#service, key);
    }
  }

  async removeSame(object: StoreObject): Promise<void> {
    const { ObjectId: Id } = await import('mongodb');
    await removeFile(this.#service, object.key, new Id(object.etag));
  }

  openWriter(key: string, _size: number | undefined, signal?: AbortSignal): Promise<ObjectWriter> {
    return GridfsWriter.open(this.#service, key, signal);
  }

  upload(
    key: string,
    source: UploadSource,
    options: UploadOptions,
    hooks: UploadHooks,
  ): Promise<StoreObject> {
    return uploadChunks(this.#service, key, source, options, hooks);
  }

  async listUploads(prefix: string): Promise<OpenUpload[]> {
    const { uploads } = await this.#service.collections();
    const found = await uploads.find({ key: below(prefix) }).toArray();
    return found.map(({ _id, key, touched }) => {
      return { key, id: _id.toHexString(), modified: touched.getTime() };
    });
  }

  async abortUpload(upload: OpenUpload): Promise<void> {
    const { ObjectId: Id } = await import('mongodb');
    await discard(this.#service, new Id(upload.id));
  }

  protect(): Promise<void> {
    return Promise.resolve();
  }

  requireUnlocked(): Promise<void> {
    return Promise.resolve();
  }

  sweepOrphans(before: number, signal?: AbortSignal): Promise<string[]> {
    return sweepChunks(this.#service, before, signal);
  }

  failure(operation: string, name: string, error: unknown): HoldfastError {
    return this.#service.failure(operation, name, error);
  }

  close(): Promise<void> {
    return this.#service.close();
  }
}

/** Opens a storage in a GridFS bucket. Nothing is connected before its first call. */
export function openGridfsStorage(options: GridfsStorageOptions): BackupStorage {
  return new ObjectStorage(new GridfsStore(options));
}
