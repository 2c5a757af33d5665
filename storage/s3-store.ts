import type {
  HeadObjectCommandOutput,
  ListMultipartUploadsCommandOutput,
} from '@aws-sdk/client-s3';
import type { Readable } from 'node:stream';
import { HoldfastError } from '../core/errors';
import type {
  BackupStorage,
  ByteRange,
  StorageCapabilities,
  UploadOptions,
  UploadSource,
} from './contract';
import { ObjectStorage } from './object-storage';
import type {
  ObjectStore,
  ObjectWriter,
  OpenUpload,
  StoreObject,
  UploadHooks,
} from './object-store';
import { abortMultipart, listParts } from './s3-multipart';
import type { S3StorageOptions } from './s3-options';
import { ConditionalPut } from './s3-conditional';
import { putBytes } from './s3-put';
import { requireEncrypted } from './s3-encryption';
import { headObject } from './s3-head';
import { readBeginning, streamRange } from './s3-reader';
import { removeKeys, removeIfSame } from './s3-removal';
import { lockObjects, lockedUntil } from './s3-retention';
import { S3Service } from './s3-service';
import { uploadInParts } from './s3-upload';
import { S3Writer } from './s3-writer';

const abortOf = (signal: AbortSignal | undefined) => (signal ? { abortSignal: signal } : {});

/** A bucket, or a prefix of one, as a store of objects. */
class S3Store implements ObjectStore {
  readonly name: string;
  readonly #service: S3Service;
  readonly #conditional: ConditionalPut;

  constructor(private readonly options: S3StorageOptions) {
    this.name = options.name;
    this.#service = new S3Service(options);
    this.#conditional = new ConditionalPut(this.#service);
  }

  capabilities(): StorageCapabilities {
    return {
      conditionalPut: this.#conditional.known,
      retention: this.options.retention !== undefined,
      ranges: true,
      place: 'anywhere',
    };
  }

  async *list(prefix: string, signal?: AbortSignal): AsyncGenerator<StoreObject> {
    const service = this.#service;
    const client = await service.client();
    let token: string | undefined;
    do {
      const page = await client.listObjectsV2(
        {
          Bucket: service.bucket,
          Prefix: `${service.prefix}${prefix}`,
          ...(token === undefined ? {} : { ContinuationToken: token }),
        },
        abortOf(signal),
      );
      for (const { Key, Size = 0, ETag = '', LastModified } of page.Contents ?? []) {
        const modified = LastModified?.getTime() ?? 0;
        yield { key: service.keyOf(Key), size: Size, etag: ETag, modified };
      }
      token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
  }

  async listFolders(prefix: string, signal?: AbortSignal): Promise<string[]> {
    const service = this.#service;
    const client = await service.client();
    const names: string[] = [];
    let token: string | undefined;
    do {
      const page = await client.listObjectsV2(
        {
          Bucket: service.bucket,
          Prefix: `${service.prefix}${prefix}`,
          Delimiter: '/',
          ...(token === undefined ? {} : { ContinuationToken: token }),
        },
        abortOf(signal),
      );
      for (const { Prefix } of page.CommonPrefixes ?? []) {
        names.push(service.keyOf(Prefix).slice(prefix.length, -1));
      }
      token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
    return names;
  }

  async head(key: string, signal?: AbortSignal): Promise<StoreObject | undefined> {
    const found = await headObject(this.#service, key, signal);
    return found === undefined ? undefined : objectOf(key, found);
  }

  get(key: string, most: number, signal?: AbortSignal): Promise<Buffer | undefined> {
    return readBeginning(this.#service, key, most, signal);
  }

  read(object: StoreObject, range: ByteRange, signal?: AbortSignal): Promise<Readable> {
    return Promise.resolve(streamRange(this.#service, object, range, signal));
  }

  async put(key: string, bytes: Uint8Array, signal?: AbortSignal): Promise<StoreObject> {
    await putBytes(this.#service, key, bytes, signal ? { signal } : {});
    return this.#stored(key, bytes.length, signal);
  }

  /**
   * Proves that the service holds what was sent, as it was asked to.
   * @throws HoldfastError HF-STORAGE-009 when it has not as many bytes, HF-STORAGE-016 when it did not
   * encrypt them
   */
  async #stored(key: string, size: number, signal?: AbortSignal): Promise<StoreObject> {
    const found = await headObject(this.#service, key, signal);
    const object = found === undefined ? undefined : objectOf(key, found);
    if (found === undefined || object?.size !== size) {
      throw new HoldfastError('HF-STORAGE-009', {
        storage: this.name,
        name: key,
        found: object === undefined ? 'nothing' : `${object.size} bytes`,
        expected: `${size} bytes`,
      });
    }
    // An empty object has nothing to hide: aborts and fences must work where nothing is encrypted.
    if (size > 0) await requireEncrypted(this.#service, key, found);
    return object;
  }

  async putIfAbsent(
    key: string,
    bytes: Uint8Array,
    signal?: AbortSignal,
  ): Promise<'written' | 'exists'> {
    const result = await this.#conditional.put(key, bytes, signal);
    const asked = this.options.encryption !== undefined && bytes.length > 0;
    if (result === 'written' && asked) await this.#stored(key, bytes.length, signal);
    return result;
  }

  remove(keys: readonly string[], signal?: AbortSignal): Promise<void> {
    return removeKeys(this.#service, keys, signal);
  }

  removeSame(object: StoreObject, signal?: AbortSignal): Promise<void> {
    return removeIfSame(this.#service, object, signal);
  }

  openWriter(key: string, size: number | undefined, signal?: AbortSignal): Promise<ObjectWriter> {
    const stored = (written: number) => this.#stored(key, written, signal);
    return Promise.resolve(new S3Writer(this.#service, key, size, signal, stored));
  }

  async upload(
    key: string,
    source: UploadSource,
    options: UploadOptions,
    hooks: UploadHooks,
  ): Promise<StoreObject> {
    const others = () => this.#openUploads(key, options.signal);
    await uploadInParts(this.#service, key, source, options, hooks, others);
    return this.#stored(key, source.size, options.signal);
  }

  async #openUploads(prefix: string, signal?: AbortSignal): Promise<OpenUpload[]> {
    const service = this.#service;
    const client = await service.client();
    const uploads: OpenUpload[] = [];
    let marker: { KeyMarker?: string; UploadIdMarker?: string } | undefined = {};
    while (marker !== undefined) {
      const page: ListMultipartUploadsCommandOutput = await client.listMultipartUploads(
        { Bucket: service.bucket, Prefix: `${service.prefix}${prefix}`, ...marker },
        abortOf(signal),
      );
      for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
        if (UploadId === undefined) continue;
        uploads.push({
          key: service.keyOf(Key),
          id: UploadId,
          modified: Initiated?.getTime() ?? 0,
        });
      }
      marker =
        page.IsTruncated === true && page.NextKeyMarker !== undefined
          ? {
              KeyMarker: page.NextKeyMarker,
              ...(page.NextUploadIdMarker ? { UploadIdMarker: page.NextUploadIdMarker } : {}),
            }
          : undefined;
    }
    return uploads;
  }

  /** An upload is as old as its newest part. */
  async listUploads(prefix: string, signal?: AbortSignal): Promise<OpenUpload[]> {
    const found: OpenUpload[] = [];
    for (const upload of await this.#openUploads(prefix, signal)) {
      const parts = await listParts(this.#service, upload, signal);
      if (parts === undefined) continue;
      const times = [...parts.values()].map((part) => part.modified);
      found.push({ ...upload, modified: Math.max(upload.modified, ...times) });
    }
    return found;
  }

  abortUpload(upload: OpenUpload, signal?: AbortSignal): Promise<void> {
    return abortMultipart(this.#service, upload, signal);
  }

  protect(keys: readonly string[], signal?: AbortSignal): Promise<void> {
    return lockObjects(this.#service, keys, signal);
  }

  async requireUnlocked(key: string, backup: string, signal?: AbortSignal): Promise<void> {
    const until = await lockedUntil(this.#service, key, signal);
    if (until === undefined || until.getTime() <= this.options.now()) return;
    const params = { name: backup, storage: this.name, until: until.toISOString() };
    throw new HoldfastError('HF-STORAGE-012', params);
  }

  sweepOrphans(): Promise<string[]> {
    return Promise.resolve([]);
  }

  failure(operation: string, name: string, error: unknown): HoldfastError {
    return this.#service.failure(operation, name, error);
  }

  close(): Promise<void> {
    return this.#service.close();
  }
}

function objectOf(key: string, found: HeadObjectCommandOutput): StoreObject {
  const { ContentLength: size = 0, ETag: etag = '', LastModified } = found;
  return { key, size, etag, modified: LastModified?.getTime() ?? 0 };
}

/** Opens a storage in a bucket. No request is made before its first call. */
export function openS3Storage(options: S3StorageOptions): BackupStorage {
  return new ObjectStorage(new S3Store(options));
}
