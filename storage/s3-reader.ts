import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAbort } from '../core/errors';
import type { ByteRange } from './contract';
import type { StoreObject } from './object-store';
import { isMissingObject, isPreconditionFailed, type S3Service } from './s3-service';

const bufferBytes = 1024 * 1024;
const firstWait = 100;
const longestWait = 5_000;

async function open(
  service: S3Service,
  object: StoreObject,
  start: number,
  end: number,
  signal: AbortSignal | undefined,
): Promise<AsyncIterable<Uint8Array>> {
  const client = await service.client();
  const found = await client.getObject(
    {
      ...service.at(object.key),
      ...(await service.contentHeaders()),
      Range: `bytes=${start}-${end - 1}`,
      // A stream that goes on after a failure goes on in the same object.
      IfMatch: object.etag,
    },
    signal ? { abortSignal: signal } : {},
  );
  if (!(found.Body instanceof Readable)) throw new Error('the service answered without a body');
  return found.Body as AsyncIterable<Uint8Array>;
}

/**
 * The bytes of a range. A connection that is cut, or ends early, is opened anew at the byte that is
 * missing, as often in a row as the options allow requests to be tried.
 */
async function* readRange(
  service: S3Service,
  object: StoreObject,
  { start, end }: ByteRange,
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer> {
  let at = start;
  for (let failures = 0; at < end;) {
    const before = at;
    try {
      for await (const chunk of await open(service, object, at, end, signal)) {
        if (at + chunk.length > end) throw new RangeError('the service sent more than was asked');
        at += chunk.length;
        yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
      }
      if (at < end) throw new Error(`the connection ended at byte ${at} of ${end}`);
    } catch (error) {
      signal?.throwIfAborted();
      const isFinal = isAbort(error) || isMissingObject(error) || isPreconditionFailed(error);
      if (isFinal || error instanceof RangeError) throw error;
      failures = at > before ? 1 : failures + 1;
      if (failures >= service.options.attempts) throw error;
      const wait = Math.min(longestWait, firstWait * 2 ** failures);
      await sleep(wait, undefined, signal ? { signal } : {});
    }
  }
}

/** The beginning of an object, at most `most` bytes; undefined when there is none. */
export async function readBeginning(
  service: S3Service,
  key: string,
  most: number,
  signal: AbortSignal | undefined,
): Promise<Buffer | undefined> {
  const client = await service.client();
  const chunks: Buffer[] = [];
  let left = most;
  try {
    const request = { ...service.at(key), ...(await service.contentHeaders()) };
    const { Body } = await client.getObject(request, signal ? { abortSignal: signal } : {});
    if (!(Body instanceof Readable)) throw new Error('the service answered without a body');
    // Leaving the loop ends the answer: no more than this is taken, however long it is.
    for await (const chunk of Body as AsyncIterable<Uint8Array>) {
      chunks.push(Buffer.from(chunk.subarray(0, left)));
      left -= Math.min(left, chunk.length);
      if (left === 0) break;
    }
  } catch (error) {
    if (isMissingObject(error)) return undefined;
    throw error;
  }
  return Buffer.concat(chunks);
}

/** A stream over a range; its failures are HoldfastErrors. */
export function streamRange(
  service: S3Service,
  object: StoreObject,
  range: ByteRange,
  signal: AbortSignal | undefined,
): Readable {
  async function* named(): AsyncGenerator<Buffer> {
    try {
      yield* readRange(service, object, range, signal);
    } catch (error) {
      signal?.throwIfAborted();
      throw isAbort(error) ? error : service.failure('reading', object.key, error);
    }
  }
  return Readable.from(named(), {
    objectMode: false,
    highWaterMark: bufferBytes,
    ...(signal ? { signal } : {}),
  });
}
