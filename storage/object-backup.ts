import { HoldfastError } from '../core/errors';
import { quoteName } from '../core/ids';
import { manifestName, type StoredFile } from './contract';
import { isStorageName } from './names';
import { mostOwnerBytes, parseOwner, type OwnerRecord } from './owner-record';
import type { ObjectStore, StoreObject } from './object-store';

/** Name of the object that says who has a backup: no name of the contract, so no listing shows it. */
const ownerName = '.owner';

/** The keys of one backup. */
export interface ObjectPlace {
  readonly directory: string;
  readonly name: string;
  /** `<directory>/<name>/` */
  readonly prefix: string;
}

export function placeOf(directory: string, name: string): ObjectPlace {
  return { directory, name, prefix: `${directory}/${name}/` };
}

export const ownerKey = (place: ObjectPlace): string => `${place.prefix}${ownerName}`;
export const manifestKey = (place: ObjectPlace): string => `${place.prefix}${manifestName}`;

/** Who has a backup: an owner, nobody, or somebody whose record cannot be read. */
export type ObjectOwner = OwnerRecord | 'nobody' | 'unknown';

export async function readObjectOwner(
  store: ObjectStore,
  place: ObjectPlace,
  signal?: AbortSignal,
): Promise<ObjectOwner> {
  const bytes = await store.get(ownerKey(place), mostOwnerBytes, signal);
  return bytes === undefined ? 'nobody' : (parseOwner(bytes) ?? 'unknown');
}

/**
 * How far a backup is. One conditional put decides between commit and abort: both put MANIFEST, the
 * abort an empty one, which no listing shows.
 */
export type Stage = 'open' | 'complete' | 'aborting';

export function stageOf(manifest: StoreObject | undefined): Stage {
  if (manifest === undefined) return 'open';
  return manifest.size === 0 ? 'aborting' : 'complete';
}

export async function readStage(
  store: ObjectStore,
  place: ObjectPlace,
  signal?: AbortSignal,
): Promise<Stage> {
  return stageOf(await store.head(manifestKey(place), signal));
}

export function missingBackup(store: ObjectStore, name: string): HoldfastError {
  return new HoldfastError('HF-STORAGE-001', { storage: store.name, name });
}

export function takenBackup(store: ObjectStore, name: string, found: ObjectOwner): HoldfastError {
  const owner =
    typeof found === 'object'
      ? `; ${quoteName(found.owner.slice(0, 200))} started it`
      : '; who started it is not known';
  return new HoldfastError('HF-STORAGE-002', { storage: store.name, name, owner });
}

export function completeBackup(store: ObjectStore, name: string): HoldfastError {
  const params = { storage: store.name, name, owner: ' and is complete' };
  return new HoldfastError('HF-STORAGE-002', params);
}

/**
 * Proves that a backup is still its owner's and, for anything but a conditional put, not complete.
 *
 * @throws HoldfastError HF-STORAGE-001, HF-STORAGE-002
 */
export async function requireWritable(
  store: ObjectStore,
  place: ObjectPlace,
  owner: string,
  evenComplete: boolean,
  signal?: AbortSignal,
): Promise<void> {
  const [found, stage] = await Promise.all([
    readObjectOwner(store, place, signal),
    readStage(store, place, signal),
  ]);
  if (found === 'nobody' || stage === 'aborting') throw missingBackup(store, place.name);
  if (found === 'unknown' || found.owner !== owner) throw takenBackup(store, place.name, found);
  if (stage === 'complete' && !evenComplete) throw completeBackup(store, place.name);
}

const byName = (one: { name: string }, other: { name: string }): number =>
  one.name < other.name ? -1 : Number(one.name > other.name);

/** The files among the objects of a backup, sorted by name. */
export function filesOf(objects: readonly StoreObject[], prefix: string): StoredFile[] {
  return objects
    .filter(({ key }) => isStorageName(key.slice(prefix.length)))
    .filter(({ key, size }) => size > 0 || key !== `${prefix}${manifestName}`)
    .map(({ key, size, etag, modified }) => {
      return { name: key.slice(prefix.length), size, etag, modified };
    })
    .toSorted(byName);
}

/** Every object below a prefix: of one backup, or of one directory's backups. */
export async function listAll(
  store: ObjectStore,
  prefix: string,
  signal?: AbortSignal,
): Promise<StoreObject[]> {
  const objects: StoreObject[] = [];
  for await (const object of store.list(prefix, signal)) objects.push(object);
  return objects;
}

/** The objects of a directory by the backup they belong to; others are passed over. */
export function groupObjects(
  directory: string,
  objects: readonly StoreObject[],
): Map<string, StoreObject[]> {
  const groups = new Map<string, StoreObject[]>();
  for (const object of objects) {
    const [name = '', file, ...deeper] = object.key.slice(directory.length + 1).split('/');
    if (file === undefined || deeper.length > 0 || !isStorageName(name)) continue;
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [object]);
    else group.push(object);
  }
  return groups;
}
