import { randomBytes, randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { putBytes } from './s3-put';
import { headObject } from './s3-head';
import type { S3Service } from './s3-service';

const tries = 40;
const longestWait = 250;
/** A claim older than this is of a process that died: its writer must have given up long before. */
const staleAfter = 60_000;
const patience = 20_000;

async function exists(service: S3Service, key: string, signal?: AbortSignal): Promise<boolean> {
  return (await headObject(service, key, signal)) !== undefined;
}

/**
 * A conditional put for services that have none, on nothing but reads that see earlier writes. Who
 * wants to put an object first puts a marker beside it, then lists the markers. Who finds only its
 * own, and still no object, has it: any other either finds this marker, or comes after the object.
 * Who finds another's takes its own away and tries again after a random time.
 */
export async function putByClaim(
  service: S3Service,
  key: string,
  bytes: Uint8Array,
  signal?: AbortSignal,
): Promise<'written' | 'exists'> {
  const slash = key.lastIndexOf('/') + 1;
  const claims = `${key.slice(0, slash)}.claim.${key.slice(slash)}.`;
  const client = await service.client();
  const abort = signal ? { abortSignal: signal } : {};
  for (let round = 0; round < tries; round += 1) {
    if (await exists(service, key, signal)) return 'exists';
    const own = `${claims}${randomBytes(8).toString('hex')}`;
    const began = performance.now();
    await putBytes(service, own, Buffer.from('1'), signal ? { signal } : {});
    try {
      const listed = await client.listObjectsV2(
        { Bucket: service.bucket, Prefix: `${service.prefix}${claims}` },
        abort,
      );
      const fresh = service.options.now() - staleAfter;
      const others = (listed.Contents ?? []).filter(
        ({ Key, LastModified }) =>
          service.keyOf(Key) !== own && (LastModified?.getTime() ?? Infinity) > fresh,
      );
      if (others.length === 0) {
        if (await exists(service, key, signal)) return 'exists';
        if (performance.now() - began < patience) {
          await putBytes(service, key, bytes, signal ? { signal } : {});
          return 'written';
        }
      }
    } finally {
      await client.deleteObject(service.at(own));
    }
    await sleep(randomInt(1, longestWait), undefined, signal ? { signal } : {});
  }
  throw new Error(`others want to put ${key} too, for ${tries} rounds`);
}
