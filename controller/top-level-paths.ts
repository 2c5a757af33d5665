import { posix } from 'node:path';
import { HoldfastError } from '../core/errors';
import { isHoldfastName, nameProblem } from './root-path';

/** An entry of root.tar, as far as its place is concerned. */
export interface EntryPlace {
  /** Name in root.tar: relative, no trailing slash. */
  readonly path: string;
  readonly type: 'file' | 'directory' | 'symlink';
}

/** Directories of the data directory that are shared: only what lies in them is swapped. */
const sharedDirectories = ['agents', 'init'];
/** Where mongod keeps its data: no archive may touch it. */
const databaseDirectory = 'db';

/**
 * The paths a restore swaps as wholes, in byte order, relative to `controller.root`: below the data
 * directory its children (`tools`, `system-identity`), or the grandchildren of its shared
 * directories (`agents/machine-0`, `init/jujud-machine-0`); elsewhere each file and link by itself.
 * Never the data directory itself, in which mongod lives, nor `db` in it.
 * Directory entries outside and shared ones are parents, not swapped.
 * @param dataDir absolute as the controller knows it, `/var/lib/juju`.
 * @throws HoldfastError HF-FILES-001 for a name that may not be, or one below the database.
 */
export function topLevelPaths(entries: Iterable<EntryPlace>, dataDir: string): readonly string[] {
  const found = new Set<string>();
  for (const entry of entries) {
    const path = topLevelPath(entry, dataDir);
    if (path !== undefined) found.add(path);
  }
  return [...found].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

/** The swapped path an entry belongs to; undefined for a directory that is only a parent. */
export function topLevelPath(entry: EntryPlace, dataDir: string): string | undefined {
  const problem = nameProblem(entry.path);
  if (problem !== undefined) throw refused(entry.path, problem);
  if (entry.path.split('/').some(isHoldfastName)) {
    throw refused(entry.path, 'its name is one that a restore uses itself');
  }
  const data = posix.normalize(dataDir).replace(/^\/+|\/+$/g, '');
  const { path } = entry;
  if (path === data || `${data}/`.startsWith(`${path}/`)) {
    if (entry.type !== 'directory') throw refused(path, 'it would take the place of a directory');
    return undefined;
  }
  if (!path.startsWith(`${data}/`)) return entry.type === 'directory' ? undefined : path;
  const [child = '', grandchild] = path.slice(data.length + 1).split('/');
  if (child === databaseDirectory) throw refused(path, 'it lies in the directory of mongod');
  if (!sharedDirectories.includes(child)) return `${data}/${child}`;
  if (grandchild !== undefined) return `${data}/${child}/${grandchild}`;
  if (entry.type !== 'directory') throw refused(path, 'it would take the place of a directory');
  return undefined;
}

function refused(path: string, reason: string): HoldfastError {
  return new HoldfastError('HF-FILES-001', { path, action: 'restored', reason });
}
