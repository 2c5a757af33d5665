import pLimit from 'p-limit';
import { setTimeout as sleep } from 'node:timers/promises';
import type { StoreObject } from './object-store';
import { isMissingObject, isPreconditionFailed, s3Error, type S3Service } from './s3-service';

/** Keys of one request, by the protocol. */
const batchKeys = 1_000;
const atOnce = 8;
const wait = 200;

const abortOf = (signal: AbortSignal | undefined) => (signal ? { abortSignal: signal } : {});

/** Deletes a batch; gives what stayed, with the reason the service gave. */
async function removeBatch(
  service: S3Service,
  keys: readonly string[],
  signal?: AbortSignal,
): Promise<{ readonly key: string; readonly reason: string }[]> {
  const client = await service.client();
  const Objects = keys.map((key) => ({ Key: service.at(key).Key }));
  const answer = await client.deleteObjects(
    { Bucket: service.bucket, Delete: { Objects, Quiet: true } },
    abortOf(signal),
  );
  return (answer.Errors ?? [])
    .filter(({ Code }) => Code !== 'NoSuchKey')
    .map(({ Key, Code, Message }) => {
      return { key: service.keyOf(Key), reason: `${Code ?? 'error'}: ${Message ?? ''}` };
    });
}

async function removeOneByOne(
  service: S3Service,
  keys: readonly string[],
  signal?: AbortSignal,
): Promise<void> {
  const client = await service.client();
  const limit = pLimit(atOnce);
  const removed = keys.map((key) =>
    limit(() => client.deleteObject(service.at(key), abortOf(signal))),
  );
  await Promise.all(removed);
}

/**
 * Deletes objects, 1,000 in a request. What single keys answer is tried again as whole requests are.
 *
 * @throws Error that names the keys that stayed and why
 */
export async function removeKeys(
  service: S3Service,
  keys: readonly string[],
  signal?: AbortSignal,
): Promise<void> {
  // DeleteObjects needs one of the newer checksums.
  if (service.options.checksums === 'basic') return removeOneByOne(service, keys, signal);
  for (let at = 0; at < keys.length; at += batchKeys) {
    let left = keys.slice(at, at + batchKeys);
    for (let tries = 1; left.length > 0; tries += 1) {
      const stayed = await removeBatch(service, left, signal);
      if (stayed.length > 0 && tries >= service.options.attempts) {
        const some = stayed.slice(0, 3).map(({ key, reason }) => `${key} (${reason})`);
        throw new Error(`${stayed.length} objects were not deleted: ${some.join(', ')}`);
      }
      left = stayed.map(({ key }) => key);
      if (left.length > 0) await sleep(wait * tries, undefined, signal ? { signal } : {});
    }
  }
}

/** Deletes an object unless it was replaced since it was listed, where the service can tell. */
export async function removeIfSame(
  service: S3Service,
  object: StoreObject,
  signal?: AbortSignal,
): Promise<void> {
  const client = await service.client();
  try {
    await client.deleteObject({ ...service.at(object.key), IfMatch: object.etag }, abortOf(signal));
  } catch (error) {
    if (isPreconditionFailed(error) || isMissingObject(error)) return;
    if (![400, 501].includes(s3Error(error).status)) throw error;
    await client.deleteObject(service.at(object.key), abortOf(signal));
  }
}
