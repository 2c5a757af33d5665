import { mkdir, open, realpath, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errorText, HoldfastError, isAbort } from '../core/errors';
import { formatSize } from '../core/sizes';
import { checkName, directoryParts } from './names';

/** Whether `error` is a system error with one of these codes. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return (
    typeof error === 'object' &&
    error !== null &&
    'code' in error &&
    codes.includes(String(error.code))
  );
}

/** Makes what was created, renamed or removed in a directory durable. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** The directory tree of a file storage: its checks, its paths and its errors. */
export class FileVolume {
  constructor(
    /** The name of the storage in the configuration. */
    readonly name: string,
    /** Absolute. */
    readonly root: string,
  ) {}

  #refuse(reason: string, cause?: unknown): HoldfastError {
    return new HoldfastError(
      'HF-STORAGE-005',
      { path: this.root, reason },
      cause === undefined ? undefined : { cause },
    );
  }

  /** Real path of the root; undefined when it is missing and not to be made. @throws HF-STORAGE-005 */
  async #realRoot(create: boolean): Promise<string | undefined> {
    try {
      if (create) await mkdir(this.root, { recursive: true, mode: 0o700 });
      const real = await realpath(this.root);
      const found = await stat(real);
      if (!found.isDirectory()) throw this.#refuse('it is not a directory');
      if ((found.mode & 0o022) !== 0) {
        const mode = (found.mode & 0o777).toString(8);
        throw this.#refuse(`its mode 0${mode} lets group or others write`);
      }
      return real;
    } catch (error) {
      if (error instanceof HoldfastError) throw error;
      if (!create && hasCode(error, 'ENOENT')) return undefined;
      throw this.#refuse(errorText(error), error);
    }
  }

  async #inside(real: string, parts: readonly string[]): Promise<string | undefined> {
    const expected = join(real, ...parts);
    try {
      // Below the real root any difference means a symbolic link on the way.
      if ((await realpath(expected)) !== expected) {
        throw this.#refuse(`${expected} is reached through a symbolic link`);
      }
      if (!(await stat(expected)).isDirectory()) {
        throw this.#refuse(`${expected} is not a directory`);
      }
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return undefined;
      if (hasCode(error, 'ENOTDIR', 'ELOOP')) throw this.#refuse(errorText(error), error);
      throw error;
    }
    return expected;
  }

  /** The directory of these parts, the root for none; undefined when it is missing. @throws HF-STORAGE-005 */
  async find(parts: readonly string[]): Promise<string | undefined> {
    const real = await this.#realRoot(false);
    return real === undefined ? undefined : this.#inside(real, parts);
  }

  /** As `find`, by names. @throws HF-STORAGE-003, HF-STORAGE-005 */
  async findDirectory(directory: string): Promise<string | undefined> {
    return this.find(directoryParts(directory));
  }

  /** As `find`, by names. @throws HF-STORAGE-003, HF-STORAGE-005 */
  async findBackup(directory: string, name: string): Promise<string | undefined> {
    const parts = directoryParts(directory);
    checkName('backup', name);
    return this.find([...parts, name]);
  }

  /**
   * Makes the directory of a backup, durably, with mode 0700. Undefined when it vanished again
   * meanwhile. @throws HF-STORAGE-003, HF-STORAGE-005
   */
  async makeBackup(directory: string, name: string): Promise<string | undefined> {
    const parts = directoryParts(directory);
    checkName('backup', name);
    const real = await this.#realRoot(true);
    if (real === undefined) throw this.#refuse('it is missing');
    for (let depth = 1; depth <= parts.length + 1; depth += 1) {
      const path = join(real, ...[...parts, name].slice(0, depth));
      try {
        await mkdir(path, { mode: 0o700 });
        await syncDirectory(dirname(path));
      } catch (error) {
        if (hasCode(error, 'ENOENT')) return undefined;
        if (!hasCode(error, 'EEXIST')) throw error;
      }
      // Before anything is made inside it, so that nothing is ever made behind a link.
      if ((await this.#inside(real, [...parts, name].slice(0, depth))) === undefined) {
        return undefined;
      }
    }
    return join(real, ...parts, name);
  }

  /**
   * Runs `work` and gives its failures their codes: HF-DISK-001 when the disk is full, else
   * HF-STORAGE-006 with the cause. Our own errors and aborts pass.
   */
  async guard<T>(
    operation: string,
    name: string,
    work: () => Promise<T>,
    options: { readonly signal?: AbortSignal | undefined; readonly need?: number | undefined } = {},
  ): Promise<T> {
    try {
      options.signal?.throwIfAborted();
      return await work();
    } catch (error) {
      if (error instanceof HoldfastError || isAbort(error)) throw error;
      if (options.signal?.aborted === true && error === options.signal.reason) throw error;
      throw await this.failure(operation, name, error, options.need);
    }
  }

  /** The HoldfastError of a system error. `need` is what was still to be written, bytes. */
  async failure(
    operation: string,
    name: string,
    error: unknown,
    need?: number,
  ): Promise<HoldfastError> {
    if (hasCode(error, 'ENOSPC', 'EDQUOT')) {
      return this.#full(name, await this.#freeBytes(), need, error);
    }
    return new HoldfastError(
      'HF-STORAGE-006',
      { storage: this.name, operation, name, reason: errorText(error) },
      { cause: error },
    );
  }

  #full(name: string, free: number | undefined, need: number | undefined, cause?: unknown) {
    return new HoldfastError(
      'HF-DISK-001',
      {
        path: this.root,
        free: free === undefined ? 'too little' : formatSize(free),
        need: need === undefined ? 'more' : formatSize(need),
        what: `${name} in storage ${this.name}`,
      },
      cause === undefined ? undefined : { cause },
    );
  }

  /** Before bytes are written for nothing. @throws HoldfastError HF-DISK-001 when `need` bytes are not free */
  async requireFree(name: string, need: number): Promise<void> {
    const free = await this.#freeBytes();
    if (free !== undefined && free < need) throw this.#full(name, free, need);
  }

  /** Undefined where the file system does not say. */
  async #freeBytes(): Promise<number | undefined> {
    try {
      const { blocks, bavail, bsize } = await statfs(this.root);
      return blocks === 0 ? undefined : bavail * bsize;
    } catch {
      // A write that finds no space says so itself; the figure only adds to that.
      return undefined;
    }
  }
}
