import type {
  BackupStorage,
  CallOptions,
  ReadHandle,
  ScannedBackup,
  StorageCapabilities,
  SweepOptions,
  WriteHandle,
} from './contract';
import { checkName, directoryParts, isStorageName } from './names';
import {
  completeBackup,
  filesOf,
  groupObjects,
  listAll,
  missingBackup,
  ownerKey,
  placeOf,
  readObjectOwner,
  readStage,
  takenBackup,
  type ObjectOwner,
  type ObjectPlace,
} from './object-backup';
import { ownerRecord } from './owner-record';
import { guard, ObjectReadHandle, ObjectWriteHandle } from './object-handles';
import { abortObjects, removeObjects } from './object-removal';
import type { ObjectStore, StoreObject } from './object-store';
import { sweepObjects } from './object-sweep';

/** How often a start goes on after an abort took the backup away under it. */
const startTries = 50;

/**
 * The contract on a service of objects, `<directory>/<name>/<file>`. A backup belongs to who put its
 * `.owner` first; its MANIFEST is put conditionally, by the commit or, empty, by the abort.
 */
export class ObjectStorage implements BackupStorage {
  readonly name: string;

  constructor(private readonly store: ObjectStore) {
    this.name = store.name;
  }

  capabilities(): StorageCapabilities {
    return this.store.capabilities();
  }

  #place(directory: string, name: string): ObjectPlace {
    directoryParts(directory);
    checkName('backup', name);
    return placeOf(directory, name);
  }

  async listDirectories({ signal }: CallOptions = {}): Promise<readonly string[]> {
    const list = () => this.store.listFolders('', signal);
    const found = await guard(this.store, 'listing', this.name, list, signal);
    return found.filter(isStorageName).toSorted();
  }

  async listBackups(directory: string, options: CallOptions = {}): Promise<readonly ReadHandle[]> {
    directoryParts(directory);
    const { signal } = options;
    const list = () => this.store.listFolders(`${directory}/`, signal);
    const found = await guard(this.store, 'listing', directory, list, signal);
    return found
      .filter(isStorageName)
      .toSorted()
      .map((name) => new ObjectReadHandle(this.store, placeOf(directory, name)));
  }

  async openBackup(
    directory: string,
    name: string,
    { signal }: CallOptions = {},
  ): Promise<ReadHandle> {
    const place = this.#place(directory, name);
    const open = async () => {
      for await (const object of this.store.list(place.prefix, signal)) {
        void object;
        return new ObjectReadHandle(this.store, place);
      }
      throw missingBackup(this.store, name);
    };
    return guard(this.store, 'opening', name, open, signal);
  }

  async startBackup(
    directory: string,
    name: string,
    owner: string,
    { signal }: CallOptions = {},
  ): Promise<WriteHandle> {
    const place = this.#place(directory, name);
    const start = async (): Promise<WriteHandle> => {
      for (let tries = 1; tries <= startTries; tries += 1) {
        const found = await this.#claim(place, owner, signal);
        if (found === 'nobody') continue;
        if (found === 'unknown' || found.owner !== owner) {
          throw takenBackup(this.store, name, found);
        }
        const stage = await readStage(this.store, place, signal);
        if (stage === 'complete') throw completeBackup(this.store, name);
        if (stage === 'open') return this.#writer(place, owner);
        // An abort of this owner's was interrupted, or runs: once it is done, from the beginning.
        await abortObjects(this.store, place, owner, signal);
      }
      throw new Error(`it vanished ${startTries} times`);
    };
    return guard(this.store, 'starting', name, start, signal);
  }

  async #claim(place: ObjectPlace, owner: string, signal?: AbortSignal): Promise<ObjectOwner> {
    const found = await readObjectOwner(this.store, place, signal);
    if (found !== 'nobody') return found;
    const objects = await listAll(this.store, place.prefix, signal);
    const nobodyClaimed = objects.every(({ key }) => key !== ownerKey(place));
    if (nobodyClaimed && filesOf(objects, place.prefix).length > 0) return 'unknown';
    await this.store.putIfAbsent(ownerKey(place), ownerRecord(owner), signal);
    return readObjectOwner(this.store, place, signal);
  }

  async resumeBackup(
    directory: string,
    name: string,
    owner: string,
    { signal }: CallOptions = {},
  ): Promise<WriteHandle> {
    const place = this.#place(directory, name);
    const resume = async () => {
      const found = await readObjectOwner(this.store, place, signal);
      if (found === 'nobody') {
        const objects = await listAll(this.store, place.prefix, signal);
        if (filesOf(objects, place.prefix).length === 0) throw missingBackup(this.store, name);
        throw takenBackup(this.store, name, 'unknown');
      }
      if (found === 'unknown' || found.owner !== owner) throw takenBackup(this.store, name, found);
      if ((await readStage(this.store, place, signal)) === 'aborting') {
        throw missingBackup(this.store, name);
      }
      return this.#writer(place, owner);
    };
    return guard(this.store, 'resuming', name, resume, signal);
  }

  async abortBackup(
    directory: string,
    name: string,
    owner: string,
    { signal }: CallOptions = {},
  ): Promise<void> {
    const place = this.#place(directory, name);
    const abort = async () => {
      const found = await readObjectOwner(this.store, place, signal);
      if (typeof found === 'string' || found.owner !== owner) return;
      await abortObjects(this.store, place, owner, signal);
    };
    return guard(this.store, 'aborting', name, abort, signal);
  }

  async removeBackup(directory: string, name: string, { signal }: CallOptions = {}): Promise<void> {
    const place = this.#place(directory, name);
    const remove = () => removeObjects(this.store, place, signal);
    return guard(this.store, 'removing', name, remove, signal);
  }

  async scan(directory: string, { signal }: CallOptions = {}): Promise<readonly ScannedBackup[]> {
    directoryParts(directory);
    const scan = async () =>
      groupBackups(directory, await listAll(this.store, `${directory}/`, signal));
    return guard(this.store, 'listing', directory, scan, signal);
  }

  async sweep(
    directory: string,
    before: number,
    options: SweepOptions = {},
  ): Promise<readonly string[]> {
    directoryParts(directory);
    const sweep = () => sweepObjects(this.store, directory, before, options);
    return guard(this.store, 'sweeping', directory, sweep, options.signal);
  }

  close(): Promise<void> {
    return this.store.close();
  }

  #writer(place: ObjectPlace, owner: string): WriteHandle {
    const abort = (options: CallOptions) =>
      this.abortBackup(place.directory, place.name, owner, options);
    return new ObjectWriteHandle(this.store, place, owner, abort);
  }
}

function groupBackups(directory: string, objects: readonly StoreObject[]): ScannedBackup[] {
  const groups = [...groupObjects(directory, objects)].toSorted(([one], [other]) =>
    one < other ? -1 : 1,
  );
  return groups.map(([name, found]) => ({
    directory,
    name,
    files: filesOf(found, placeOf(directory, name).prefix),
    modified: Math.max(...found.map(({ modified }) => modified)),
  }));
}
