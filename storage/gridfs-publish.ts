import type { ObjectId } from 'mongodb';
import type { StoreObject } from './object-store';
import { removeChunks } from './gridfs-chunks';
import { isDuplicate, type FileDocument, type GridfsService } from './gridfs-service';

const tries = 20;

/** An upload was ended by somebody else: its chunks belong to nobody. */
export class UploadGone extends Error {
  override readonly name = 'UploadGone';
}

export function describeFile({ _id, filename, length, uploadDate }: FileDocument): StoreObject {
  return {
    key: filename,
    size: Number(length),
    etag: _id.toHexString(),
    modified: uploadDate.getTime(),
  };
}

/** Says that chunks of a file will be written, so that a sweep finds them when nobody finishes it. */
export async function beginUpload(service: GridfsService, key: string): Promise<ObjectId> {
  const { uploads } = await service.collections();
  const { ObjectId: Id } = await import('mongodb');
  const _id = new Id();
  await uploads.insertOne({ _id, key, touched: service.date() });
  return _id;
}

/** Says that an upload is alive. @throws UploadGone */
export async function touchUpload(service: GridfsService, id: ObjectId): Promise<void> {
  const { uploads } = await service.collections();
  const { matchedCount } = await uploads.updateOne(
    { _id: id, garbage: { $exists: false } },
    { $set: { touched: service.date() } },
  );
  if (matchedCount === 0) throw new UploadGone('the upload was ended');
}

/** Ends an upload or frees a file's chunks; a file that has appeared keeps them. */
export async function discard(service: GridfsService, id: ObjectId): Promise<void> {
  const { files, uploads } = await service.collections();
  // First of all, so that whoever still writes to it can't make it appear.
  const { matchedCount } = await uploads.updateOne({ _id: id }, { $set: { garbage: true } });
  // Its publishing may have been done although its answer was an error: what the primary has by now
  // counts, not only what the majority has.
  const local = { readConcern: { level: 'local' } } as const;
  if (matchedCount === 0 && (await files.findOne({ _id: id }, local)) !== null) return;
  await removeChunks(service, id);
  await uploads.deleteOne({ _id: id });
}

/**
 * Makes a written file appear, replacing what was there unless `ifAbsent`.
 *
 * @throws UploadGone when somebody ended the upload
 */
export async function publishFile(
  service: GridfsService,
  id: ObjectId,
  file: { readonly key: string; readonly length: number; readonly sha256: string },
  ifAbsent = false,
): Promise<StoreObject | undefined> {
  const { files, uploads } = await service.collections();
  const { Long: Int64 } = await import('mongodb');
  const document: FileDocument = {
    _id: id,
    length: Int64.fromNumber(file.length),
    chunkSize: service.options.chunkSize,
    uploadDate: service.date(),
    filename: file.key,
    metadata: { v: 1, sha256: file.sha256 },
  };
  const publish = () =>
    service.transaction(async (session) => {
      const old = ifAbsent
        ? null
        : await files.findOneAndDelete({ filename: file.key }, { session });
      if (old !== null) {
        const garbage = { _id: old._id, key: file.key, touched: service.date(), garbage: true };
        await uploads.insertOne({ ...garbage, garbage: true }, { session });
      }
      const { deletedCount } = await uploads.deleteOne(
        { _id: id, garbage: { $exists: false } },
        { session },
      );
      if (deletedCount === 0) throw new UploadGone('the upload was ended');
      await files.insertOne(document, { session });
      return old;
    });
  for (let round = 1; ; round += 1) {
    try {
      const old = await publish();
      if (old !== null) await discard(service, old._id);
      return describeFile(document);
    } catch (error) {
      if (!isDuplicate(error)) throw error;
      if (ifAbsent) return undefined;
      // Another writer's file of this name appeared meanwhile: it is replaced.
      if (round === tries) throw error;
    }
  }
}

/** Removes files by key, or the very file where an id is given too; missing ones are none. */
export async function removeFile(
  service: GridfsService,
  filename: string,
  id?: ObjectId,
): Promise<void> {
  const { files, uploads } = await service.collections();
  const removed = await service.transaction(async (session) => {
    const filter = id === undefined ? { filename } : { filename, _id: id };
    const old = await files.findOneAndDelete(filter, { session });
    if (old === null) return undefined;
    const garbage = { _id: old._id, key: filename, touched: service.date() };
    await uploads.insertOne({ ...garbage, garbage: true }, { session });
    return old._id;
  });
  if (removed !== undefined) await discard(service, removed);
}
