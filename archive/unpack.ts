import { constants } from 'node:fs';
import { chmod, mkdir, open, symlink, utimes } from 'node:fs/promises';
import { dirname, posix } from 'node:path';
import { errorCode } from '../config/durable-file';
import { openDirectory } from '../config/open-directory';
import { errorText, HoldfastError, isHoldfastError } from '../core/errors';
import { quoteName } from '../core/ids';
import type { AllowedEntry } from './entries';
import { isRawName } from './name-bytes';

/** How entries are written. */
export interface UnpackOptions {
  /** An existing directory, that nothing is written outside of. */
  readonly target: string;
  /** `entries`: as they say, without setuid, setgid and sticky; `private`: 0600 and 0700. */
  readonly modes: 'entries' | 'private';
  readonly signal?: AbortSignal | undefined;
}

const newFile = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/**
 * Writes entries below a directory: files, directories and links with their times, owned by whoever
 * does it. Every directory on the way is opened and stays below the target, whatever links lie there
 * or are put there meanwhile; what exists is never written over.
 *
 * @returns how many files and links were written
 * @throws HoldfastError HF-FILES-001 naming the path that can't be written; whatever `entries` throws
 */
export async function unpackEntries(
  entries: AsyncIterable<AllowedEntry>,
  options: UnpackOptions,
): Promise<number> {
  const { target, modes, signal } = options;
  const made = new Set(['']);
  const directories: { readonly path: string; readonly mode: number; readonly mtime: number }[] =
    [];
  let written = 0;
  for await (const { entry, content } of entries) {
    signal?.throwIfAborted();
    const { path, mtime } = entry;
    if (isRawName(path)) throw unwritable(path, new Error('its name is not UTF-8'));
    await makeDirectories(target, posix.dirname(path), made);
    if (entry.type === 'directory') {
      await makeDirectories(target, path, made);
      directories.push({ path, mode: modes === 'private' ? 0o700 : entry.mode & 0o777, mtime });
      continue;
    }
    const mode = modes === 'private' ? 0o600 : entry.mode & 0o777;
    await inDirectory(target, path, async (place) => {
      if (entry.type === 'symlink') await symlink(entry.link, place);
      else await writeFile(place, content, { mode, mtime, signal });
    });
    written++;
  }
  // Last and the deepest first: a directory may forbid writing, and writing changes its time.
  for (const { path, mode, mtime } of directories.toReversed()) {
    const directory = await openDirectory(target, path);
    try {
      await chmod(directory.path, mode);
      await utimes(directory.path, mtime, mtime);
    } finally {
      await directory.close();
    }
  }
  return written;
}

async function writeFile(
  place: string,
  content: AsyncIterable<Buffer>,
  {
    mode,
    mtime,
    signal,
  }: { readonly mode: number; readonly mtime: number; readonly signal: AbortSignal | undefined },
): Promise<void> {
  const file = await open(place, newFile, 0o600);
  try {
    for await (const chunk of content) {
      signal?.throwIfAborted();
      await file.writeFile(chunk);
    }
    await file.chmod(mode);
    await file.utimes(mtime, mtime);
  } finally {
    await file.close();
  }
}

/** Calls `write` with the path of an entry inside its opened directory. */
async function inDirectory(
  target: string,
  path: string,
  write: (place: string) => Promise<void>,
): Promise<void> {
  const parent = dirname(path);
  const directory = await openDirectory(target, parent === '.' ? '' : parent);
  try {
    await write(`${directory.path}/${posix.basename(path)}`);
  } catch (error) {
    const isOfSystem = !isHoldfastError(error) && errorCode(error) !== undefined;
    throw isOfSystem ? unwritable(path, error) : error;
  } finally {
    await directory.close();
  }
}

async function makeDirectories(target: string, path: string, made: Set<string>): Promise<void> {
  if (path === '.' || made.has(path)) return;
  await makeDirectories(target, posix.dirname(path), made);
  await inDirectory(target, path, async (place) => {
    await mkdir(place, 0o755).catch((error: unknown) => {
      if (errorCode(error) !== 'EEXIST') throw error;
    });
  });
  // Proves that what has the name already is a directory inside the target.
  await (await openDirectory(target, path)).close();
  made.add(path);
}

function unwritable(path: string, cause: unknown): HoldfastError {
  const params = { path: quoteName(path), action: 'unpacked', reason: errorText(cause) };
  return new HoldfastError('HF-FILES-001', params, { cause });
}
