import { constants } from 'node:fs';
import { open, realpath, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { errorText, HoldfastError } from '../core/errors';

/**
 * A directory below `root`, opened so that no later exchange of a component for a link can lead
 * elsewhere. Links on the way are followed only when their realpath stays below `root`.
 */
export interface OpenDirectory {
  /** The directory's path by way of its file descriptor; append `/name` to it. */
  readonly path: string;
  /** Makes renames and new names in it durable. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

const directoryFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/**
 * Opens the directory `name` (relative to `root`, `''` for the root itself).
 * @throws HoldfastError HF-FILES-001 when it is missing, no directory, or its realpath leaves `root`.
 */
export async function openDirectory(root: string, name: string): Promise<OpenDirectory> {
  const wanted = join(root, name);
  let handle: FileHandle | undefined;
  try {
    const base = await realpath(root);
    const real = await realpath(wanted);
    if (real !== base && !real.startsWith(join(base, '/'))) {
      throw new Error(`it leads to ${real}, outside ${root}`);
    }
    handle = await open(base, directoryFlags);
    for (const part of real.slice(base.length).split('/')) {
      if (part === '') continue;
      const next = await open(`/proc/self/fd/${handle.fd}/${part}`, directoryFlags);
      await handle.close();
      handle = next;
    }
  } catch (error) {
    await handle?.close();
    throw new HoldfastError(
      'HF-FILES-001',
      { path: wanted, action: 'opened', reason: errorText(error) },
      { cause: error },
    );
  }
  const opened = handle;
  return {
    path: `/proc/self/fd/${opened.fd}`,
    sync: () => opened.sync(),
    close: () => opened.close(),
  };
}
