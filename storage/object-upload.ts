import { HoldfastError } from '../core/errors';
import type { UploadOptions, UploadSource } from './contract';
import { isStorageName } from './names';
import { ownerKey, listAll, type ObjectPlace } from './object-backup';
import type { ObjectStore, StoreObject } from './object-store';

/** `.attempt.<number>.<file>`: an attempt of an upload began; a lower one finds it and stops. */
const attemptPrefix = '.attempt.';

function attemptKey(place: ObjectPlace, name: string, attempt: number): string {
  return `${place.prefix}${attemptPrefix}${attempt}.${name}`;
}

/** Attempt that the object marks for this file; undefined for any other object. */
function attemptOf(place: ObjectPlace, name: string, key: string): number | undefined {
  const match = /^\.attempt\.(\d{1,15})\.(.*)$/s.exec(key.slice(place.prefix.length));
  return match === null || match[2] !== name ? undefined : Number(match[1]);
}

/** Keys that only have a meaning while a backup is written. */
export function hiddenObjects(objects: readonly StoreObject[], place: ObjectPlace): string[] {
  return objects
    .map(({ key }) => key)
    .filter((key) => !isStorageName(key.slice(place.prefix.length)) && key !== ownerKey(place));
}

/**
 * Uploads a file, fenced: of several attempts only the newest one makes the file appear.
 *
 * @throws HoldfastError HF-FENCE-001 when a newer attempt took over; what `check` throws.
 */
export async function uploadObject(
  store: ObjectStore,
  place: ObjectPlace,
  name: string,
  source: UploadSource,
  options: UploadOptions,
  check: () => Promise<void>,
): Promise<StoreObject> {
  const { attempt, signal } = options;
  const key = `${place.prefix}${name}`;
  const own = attemptKey(place, name, attempt);
  const attempts = async () =>
    (await listAll(store, `${place.prefix}${attemptPrefix}`, signal)).flatMap(({ key: found }) => {
      const number = attemptOf(place, name, found);
      return number === undefined ? [] : [{ key: found, number }];
    });
  const fence = async (): Promise<void> => {
    await check();
    const found = await attempts();
    const newest = Math.max(...found.map(({ number }) => number), -1);
    if (newest <= attempt && found.some((marker) => marker.key === own)) return;
    throw new HoldfastError('HF-FENCE-001', {
      mine: attempt,
      step: `the upload of ${name}`,
      newer: newest > attempt ? newest : 'that has ended',
    });
  };
  await store.put(own, new Uint8Array(), signal);
  await fence();
  const stored = await store.upload(key, source, options, { check: fence });
  // Which also stops a lower attempt that still runs: it no longer finds its own.
  const markers = (await attempts()).filter(({ number }) => number <= attempt);
  await store.remove(
    markers.map((marker) => marker.key),
    signal,
  );
  return stored;
}
