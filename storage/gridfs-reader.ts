import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { HoldfastError, isAbort } from '../core/errors';
import type { ByteRange } from './contract';
import type { StoreObject } from './object-store';
import type { FileDocument, GridfsService } from './gridfs-service';

const chunksAtOnce = 8;
const bufferBytes = 1024 * 1024;

async function* chunksOf(
  service: GridfsService,
  file: FileDocument,
  { start, end }: ByteRange,
  damaged: (found: string) => HoldfastError,
  signal?: AbortSignal,
): AsyncGenerator<Buffer> {
  const { chunks } = await service.collections();
  const size = Number(file.length);
  const whole = start === 0 && end === size ? createHash('sha256') : undefined;
  const last = Math.ceil(end / file.chunkSize);
  let expected = Math.floor(start / file.chunkSize);
  const cursor = chunks
    .find({ files_id: file._id, n: { $gte: expected, $lt: last } }, { batchSize: chunksAtOnce })
    .sort({ n: 1 });
  try {
    for await (const { n, data } of cursor) {
      signal?.throwIfAborted();
      if (n !== expected) throw damaged(`chunk ${n} in place of ${expected}`);
      const at = n * file.chunkSize;
      const bytes = Buffer.from(data.value());
      if (bytes.length !== Math.min(file.chunkSize, size - at)) {
        throw damaged(`${bytes.length} bytes in chunk ${n}`);
      }
      whole?.update(bytes);
      yield bytes.subarray(Math.max(0, start - at), Math.min(bytes.length, end - at));
      expected += 1;
    }
  } finally {
    await cursor.close();
  }
  if (start < end && expected !== last) throw damaged(`no chunk ${expected}`);
  if (whole !== undefined && whole.digest('hex') !== file.metadata.sha256) {
    throw damaged('another SHA-256');
  }
}

/**
 * The bytes of a range. Missing, odd and short chunks are found, and in a whole file any other byte.
 *
 * @throws HoldfastError HF-STORAGE-009, on the stream
 */
export async function streamFile(
  service: GridfsService,
  object: StoreObject,
  range: ByteRange,
  signal?: AbortSignal,
): Promise<Readable> {
  const { files } = await service.collections();
  const { ObjectId: Id } = await import('mongodb');
  const file = await files.findOne({ _id: new Id(object.etag) });
  if (file === null) throw new Error('it was replaced');
  const damaged = (found: string): HoldfastError =>
    new HoldfastError('HF-STORAGE-009', {
      storage: service.options.name,
      name: object.key,
      found,
      expected: `${object.size} bytes of SHA-256 ${file.metadata.sha256}`,
    });
  async function* named(): AsyncGenerator<Buffer> {
    try {
      if (file !== null) yield* chunksOf(service, file, range, damaged, signal);
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof HoldfastError || isAbort(error)) throw error;
      throw service.failure('reading', object.key, error);
    }
  }
  return Readable.from(named(), {
    objectMode: false,
    highWaterMark: bufferBytes,
    ...(signal ? { signal } : {}),
  });
}
