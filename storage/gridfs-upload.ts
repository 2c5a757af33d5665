import type { ObjectId } from 'mongodb';
import type { UploadOptions, UploadSource, UploadState } from './contract';
import type { StoreObject, UploadHooks } from './object-store';
import { ChunkWriter } from './gridfs-chunks';
import {
  beginUpload,
  describeFile,
  discard,
  publishFile,
  touchUpload,
  UploadGone,
} from './gridfs-publish';
import type { GridfsService } from './gridfs-service';

interface Session {
  readonly id: ObjectId;
  readonly writer: ChunkWriter;
  /** Bytes that are there already, in whole chunks. */
  readonly start: number;
}

async function takeUp(
  service: GridfsService,
  id: ObjectId,
  acknowledged: number,
  signal?: AbortSignal,
): Promise<Session | undefined> {
  const { chunks } = await service.collections();
  const { chunkSize } = service.options;
  const count = Math.floor(acknowledged / chunkSize);
  const writer = new ChunkWriter(service, id, count);
  let next = 0;
  // Read, not believed: the hash of the whole file needs them anyway.
  const held = chunks.find({ files_id: id, n: { $lt: count } }, { batchSize: 8 }).sort({ n: 1 });
  for await (const { n, data } of held) {
    signal?.throwIfAborted();
    if (n !== next || data.length() !== chunkSize) return undefined;
    writer.hash(data.value());
    next += 1;
  }
  return next === count ? { id, writer, start: count * chunkSize } : undefined;
}

/** The upload an earlier attempt reported, if it is there; the file, when it was published already. */
async function resumed(
  service: GridfsService,
  key: string,
  size: number,
  { resume, signal }: UploadOptions,
): Promise<Session | StoreObject | undefined> {
  const hex = resume?.type === 'gridfs' ? resume.detail['id'] : undefined;
  if (resume === undefined || typeof hex !== 'string' || !/^[0-9a-f]{24}$/.test(hex))
    return undefined;
  const { files, uploads } = await service.collections();
  const { ObjectId: Id } = await import('mongodb');
  const id = new Id(hex);
  const done = await files.findOne({ _id: id, filename: key });
  if (done !== null) return describeFile(done);
  const open = await uploads.findOne({ _id: id, key, garbage: { $exists: false } });
  if (open === null || resume.acknowledged > size) return undefined;
  return takeUp(service, id, resume.acknowledged, signal);
}

/** A new upload; those of earlier attempts end, which also stops who still writes to them. */
async function begin(service: GridfsService, key: string): Promise<Session> {
  const { uploads } = await service.collections();
  const id = await beginUpload(service, key);
  for await (const other of uploads.find({ key, _id: { $ne: id } })) {
    await discard(service, other._id);
  }
  return { id, writer: new ChunkWriter(service, id), start: 0 };
}

/** Uploads a file; the chunks of a failed attempt stay for the next one. */
export async function uploadChunks(
  service: GridfsService,
  key: string,
  source: UploadSource,
  options: UploadOptions,
  hooks: UploadHooks,
): Promise<StoreObject> {
  const { signal, onProgress } = options;
  const found = await resumed(service, key, source.size, options);
  if (found !== undefined && 'key' in found) return found;
  const { id, writer, start } = found ?? (await begin(service, key));
  const { chunkSize, progressBytes } = service.options;
  let reported = start;
  const report = async (): Promise<void> => {
    await writer.flush();
    await hooks.check();
    await touchUpload(service, id);
    const acknowledged = Math.floor((start + writer.written) / chunkSize) * chunkSize;
    const detail = { id: id.toHexString() };
    const state: UploadState = { v: 1, type: 'gridfs', acknowledged, detail };
    await onProgress?.(state);
    reported = acknowledged;
  };
  try {
    await report();
    for await (const chunk of source.read(start, signal)) {
      signal?.throwIfAborted();
      if (start + writer.written + chunk.length > source.size) {
        throw new Error(`the source holds more than its ${source.size} bytes`);
      }
      await writer.write(chunk);
      if (start + writer.written - reported >= progressBytes + chunkSize) await report();
    }
    signal?.throwIfAborted();
    const done = start + writer.written;
    if (done !== source.size) throw new Error(`the source ended at byte ${done} of ${source.size}`);
    const sha256 = await writer.end();
    await hooks.check();
    const stored = await publishFile(service, id, { key, length: source.size, sha256 });
    if (stored === undefined) throw new Error('it did not appear');
    return stored;
  } catch (error) {
    await writer.settle();
    if (!(error instanceof UploadGone)) throw error;
    // Who ended it, the owner's check tells better; what was written since belongs to nobody.
    await discard(service, id);
    await hooks.check();
    throw error;
  }
}
