import { manifestName, type SweepOptions } from './contract';
import { groupObjects, listAll, placeOf, stageOf } from './object-backup';
import { abortObjects } from './object-removal';
import type { ObjectStore } from './object-store';

/**
 * Removes what interrupted work left in a directory of backups and nobody touched since `before`
 * (milliseconds since the epoch): incomplete backups, and open uploads of complete ones. Returns the
 * names of what went.
 */
export async function sweepObjects(
  store: ObjectStore,
  directory: string,
  before: number,
  { signal, keep = () => false }: SweepOptions = {},
): Promise<string[]> {
  const removed: string[] = [];
  const uploads = await store.listUploads(`${directory}/`, signal);
  const groups = groupObjects(directory, await listAll(store, `${directory}/`, signal));
  for (const [name, objects] of groups) {
    signal?.throwIfAborted();
    const place = placeOf(directory, name);
    const own = uploads.filter(({ key }) => key.startsWith(place.prefix));
    const manifest = objects.find(({ key }) => key === `${place.prefix}${manifestName}`);
    if (stageOf(manifest) === 'complete' || keep(name)) continue;
    const newest = Math.max(...[...objects, ...own].map(({ modified }) => modified));
    if (newest < before && (await abortObjects(store, place, undefined, signal)))
      removed.push(name);
  }
  const left = (await store.listUploads(`${directory}/`, signal)).filter(
    ({ modified }) => modified < before,
  );
  for (const upload of left) {
    const name = upload.key.split('/').at(-2) ?? '';
    const isOpen =
      groups.has(name) && !removed.includes(name) && !(await isDone(store, directory, name));
    if (isOpen) continue;
    await store.abortUpload(upload, signal);
    removed.push(`${upload.key.slice(directory.length + 1)} (upload ${upload.id})`);
  }
  removed.push(...(await store.sweepOrphans(before, signal)));
  return removed.toSorted();
}

async function isDone(store: ObjectStore, directory: string, name: string): Promise<boolean> {
  const manifest = await store.head(`${placeOf(directory, name).prefix}${manifestName}`);
  return stageOf(manifest) === 'complete';
}
