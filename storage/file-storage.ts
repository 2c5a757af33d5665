import { readdir } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { HoldfastError } from '../core/errors';
import type {
  BackupStorage,
  CallOptions,
  ReadHandle,
  ScannedBackup,
  StorageCapabilities,
  SweepOptions,
  WriteHandle,
} from './contract';
import { FileReadHandle, FileWriteHandle } from './file-handles';
import { claimOwner, isComplete, isOwnedBy, readOwner, type Ownership } from './file-owner';
import { describeFiles } from './file-parts';
import { ownedByAnother } from './file-publish';
import { finishRemoval, newestChange, removeIncomplete, removeWhole } from './file-removal';
import { sweepDirectory } from './file-sweep';
import { defaultProgressBytes } from './file-upload';
import { FileVolume, hasCode } from './file-volume';
import { isStorageName } from './names';

export interface FileStorageOptions {
  /** The name it has in the configuration. */
  readonly name: string;
  /** Absolute path of the root; made (mode 0700) by the first backup when it is missing. */
  readonly path: string;
  /** An upload makes its bytes durable and reports them this often (default 64 MiB). */
  readonly progressBytes?: number;
}

/** How often a start goes on after the directory was taken away under it. */
const startTries = 50;

/**
 * Backups as directories of files: `<root>/<directory>/<name>/<file>`, files of mode 0600 in
 * directories of mode 0700. A file appears by rename or link once it is durable. Nothing rests on
 * locks, so a root on NFS is as good. Symbolic links below the root are refused.
 */
class FileStorage implements BackupStorage {
  readonly name: string;
  readonly #volume: FileVolume;
  readonly #progressBytes: number;

  constructor(options: FileStorageOptions) {
    this.name = options.name;
    this.#volume = new FileVolume(options.name, options.path);
    this.#progressBytes = options.progressBytes ?? defaultProgressBytes;
  }

  capabilities(): StorageCapabilities {
    return { conditionalPut: true, retention: false, ranges: true, place: 'host' };
  }

  async listDirectories(options: CallOptions = {}): Promise<readonly string[]> {
    const list = async () => namesIn(await this.#volume.find([]));
    return this.#volume.guard('listing', this.name, list, options);
  }

  async listBackups(directory: string, options: CallOptions = {}): Promise<readonly ReadHandle[]> {
    const list = async () => {
      const path = await this.#volume.findDirectory(directory);
      const names = await namesIn(path);
      return names.map((name) => this.#reader(directory, name, join(path ?? '', name)));
    };
    return this.#volume.guard('listing', directory, list, options);
  }

  async openBackup(
    directory: string,
    name: string,
    options: CallOptions = {},
  ): Promise<ReadHandle> {
    const open = async () => this.#reader(directory, name, await this.#mustFind(directory, name));
    return this.#volume.guard('opening', name, open, options);
  }

  async startBackup(
    directory: string,
    name: string,
    owner: string,
    options: CallOptions = {},
  ): Promise<WriteHandle> {
    const start = async (): Promise<WriteHandle> => {
      for (let tries = 1; tries <= startTries; tries += 1) {
        options.signal?.throwIfAborted();
        const path = await this.#volume.makeBackup(directory, name);
        const found = path === undefined ? undefined : await this.#claim(path, owner);
        // An abort of an earlier backup of this name took the directory away: once more.
        if (path === undefined || found === undefined) continue;
        if (!isOwnedBy(found, owner)) throw ownedByAnother(this.name, name, found);
        if (await isComplete(path)) {
          const complete = { storage: this.name, name, owner: ' and is complete' };
          throw new HoldfastError('HF-STORAGE-002', complete);
        }
        return this.#writer(directory, name, owner, path);
      }
      throw new Error(`its directory vanished ${startTries} times`);
    };
    return this.#volume.guard('starting', name, start, options);
  }

  async #claim(path: string, owner: string): Promise<Ownership | undefined> {
    try {
      return await claimOwner(path, owner);
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return undefined;
      throw error;
    }
  }

  async resumeBackup(
    directory: string,
    name: string,
    owner: string,
    options: CallOptions = {},
  ): Promise<WriteHandle> {
    const resume = async () => {
      const path = await this.#mustFind(directory, name);
      const found = await readOwner(path);
      if (!isOwnedBy(found, owner)) throw ownedByAnother(this.name, name, found);
      return this.#writer(directory, name, owner, path);
    };
    return this.#volume.guard('resuming', name, resume, options);
  }

  async abortBackup(
    directory: string,
    name: string,
    owner: string,
    options: CallOptions = {},
  ): Promise<void> {
    const abort = async () => {
      const parent = await this.#volume.findDirectory(directory);
      if (parent === undefined) return;
      await finishRemoval(join(parent, name));
      const path = await this.#volume.findBackup(directory, name);
      if (path === undefined || (await isComplete(path))) return;
      const isMine = async (place: string) => isOwnedBy(await readOwner(place), owner);
      if (await isMine(path)) await removeIncomplete(path, isMine);
    };
    // The name is checked before anything is looked at.
    return this.#volume.guard(
      'aborting',
      name,
      () => this.#checked(directory, name, abort),
      options,
    );
  }

  async removeBackup(directory: string, name: string, options: CallOptions = {}): Promise<void> {
    const remove = async () => {
      const parent = await this.#volume.findDirectory(directory);
      if (parent !== undefined) await removeWhole(join(parent, name));
    };
    return this.#volume.guard(
      'removing',
      name,
      () => this.#checked(directory, name, remove),
      options,
    );
  }

  async scan(directory: string, options: CallOptions = {}): Promise<readonly ScannedBackup[]> {
    const scan = async () => {
      const path = await this.#volume.findDirectory(directory);
      const found: ScannedBackup[] = [];
      for (const name of await namesIn(path)) {
        options.signal?.throwIfAborted();
        const backup = await scanBackup(directory, name, join(path ?? '', name));
        if (backup !== undefined) found.push(backup);
      }
      return found;
    };
    return this.#volume.guard('listing', directory, scan, options);
  }

  async sweep(
    directory: string,
    before: number,
    options: SweepOptions = {},
  ): Promise<readonly string[]> {
    const sweep = async () => {
      const path = await this.#volume.findDirectory(directory);
      return path === undefined ? [] : sweepDirectory(path, before, options);
    };
    return this.#volume.guard('sweeping', directory, sweep, options);
  }

  async close(): Promise<void> {
    // Files are opened per call: there is nothing to free.
  }

  async #checked(directory: string, name: string, work: () => Promise<void>): Promise<void> {
    await this.#volume.findBackup(directory, name);
    return work();
  }

  async #mustFind(directory: string, name: string): Promise<string> {
    const path = await this.#volume.findBackup(directory, name);
    if (path === undefined) throw new HoldfastError('HF-STORAGE-001', { storage: this.name, name });
    return path;
  }

  #reader(directory: string, name: string, path: string): ReadHandle {
    return new FileReadHandle({ volume: this.#volume, directory, name, path });
  }

  #writer(directory: string, name: string, owner: string, path: string): WriteHandle {
    const backup = { volume: this.#volume, directory, name, owner, path };
    const abort = (options: CallOptions) => this.abortBackup(directory, name, owner, options);
    return new FileWriteHandle(backup, this.#progressBytes, abort);
  }
}

/** Names of the directories a storage knows, sorted; none when `path` is missing. */
async function namesIn(path: string | undefined): Promise<string[]> {
  if (path === undefined) return [];
  const entries = await readdir(path, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory() && isStorageName(entry.name))
    .map((entry) => entry.name)
    .toSorted();
}

async function scanBackup(
  directory: string,
  name: string,
  path: string,
): Promise<ScannedBackup | undefined> {
  try {
    const files = await describeFiles(path);
    return { directory, name, files, modified: await newestChange(path) };
  } catch (error) {
    // Removed between the listing and now.
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/**
 * Opens a storage in a directory. Nothing is read or made before its first call.
 *
 * @throws HoldfastError HF-STORAGE-005 when the path is not absolute.
 */
export function openFileStorage(options: FileStorageOptions): BackupStorage {
  if (!isAbsolute(options.path)) {
    const reason = 'it must be an absolute path';
    throw new HoldfastError('HF-STORAGE-005', { path: options.path, reason });
  }
  return new FileStorage(options);
}
