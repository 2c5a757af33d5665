import {
  listAll,
  manifestKey,
  ownerKey,
  readObjectOwner,
  stageOf,
  type ObjectPlace,
} from './object-backup';
import type { ObjectStore } from './object-store';

/** How often a removal looks again for what arrived meanwhile. */
const rounds = 20;

/** Ends every open upload below a prefix; repeated until none is listed. @throws when they don't end */
export async function abortUploads(
  store: ObjectStore,
  prefix: string,
  signal?: AbortSignal,
): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    const uploads = await store.listUploads(prefix, signal);
    if (uploads.length === 0) return;
    for (const upload of uploads) await store.abortUpload(upload, signal);
  }
  throw new Error(`uploads below ${prefix} are still open after ${rounds} rounds`);
}

/**
 * Removes everything of a backup whose MANIFEST is empty: uploads, files, then MANIFEST, then the
 * owner's record. Nobody else can start the name before the last is gone; where the empty MANIFEST
 * is gone another removal was first, and what is there may be another owner's.
 */
async function removeContent(
  store: ObjectStore,
  place: ObjectPlace,
  signal?: AbortSignal,
): Promise<void> {
  const last = [ownerKey(place), manifestKey(place)];
  for (let round = 0; round < rounds; round += 1) {
    await abortUploads(store, place.prefix, signal);
    const objects = await listAll(store, place.prefix, signal);
    const manifest = objects.find(({ key }) => key === manifestKey(place));
    if (manifest === undefined || manifest.size > 0) return;
    const keys = objects.map(({ key }) => key).filter((key) => !last.includes(key));
    if (keys.length > 0) {
      await store.remove(keys, signal);
      continue;
    }
    await store.removeSame(manifest, signal);
    const owner = objects.find(({ key }) => key === ownerKey(place));
    if (owner !== undefined) await store.removeSame(owner, signal);
    return;
  }
  throw new Error(`files of ${place.name} are still there after ${rounds} rounds`);
}

/** Aborts a backup of this owner (of whoever, when undefined) unless it is complete. Returns whether it did. */
export async function abortObjects(
  store: ObjectStore,
  place: ObjectPlace,
  owner: string | undefined,
  signal?: AbortSignal,
): Promise<boolean> {
  const put = await store.putIfAbsent(manifestKey(place), new Uint8Array(), signal);
  const manifest = await store.head(manifestKey(place), signal);
  if (stageOf(manifest) === 'complete') return false;
  const found = await readObjectOwner(store, place, signal);
  const isMine = owner === undefined || (typeof found === 'object' && found.owner === owner);
  if (!isMine) {
    // Another abort of the same backup was done, and the name is somebody else's by now.
    if (put === 'written' && manifest !== undefined) await store.removeSame(manifest, signal);
    return false;
  }
  await removeContent(store, place, signal);
  return true;
}

/** Removes a backup, complete or not: the MANIFEST first, so that an interruption leaves it incomplete. */
export async function removeObjects(
  store: ObjectStore,
  place: ObjectPlace,
  signal?: AbortSignal,
): Promise<void> {
  const found = await listAll(store, place.prefix, signal);
  const uploads = await store.listUploads(place.prefix, signal);
  if (found.length === 0 && uploads.length === 0) return;
  await store.requireUnlocked(manifestKey(place), place.name, signal);
  // An empty MANIFEST in its place: no commit can come between, and no writer can go on.
  await store.put(manifestKey(place), new Uint8Array(), signal);
  await removeContent(store, place, signal);
}
