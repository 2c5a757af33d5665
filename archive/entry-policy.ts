import { isRawName, nameToBytes } from './name-bytes';
import {
  contentDir,
  dumpDir,
  environConfigFile,
  filesBundle,
  holdfastDir,
  metadataFile,
} from './paths';
import type { TarEntry } from './tar-entry';

/** Which tar an entry stands in: the archive, or the nested root.tar. */
export type TarPlace = 'archive' | 'bundle';

/** Limits of what is accepted in a tar of each kind, bytes and levels. */
const limits = {
  archive: { path: 300, component: 255, depth: 16, mode: 0o777 },
  bundle: { path: 4096, component: 255, depth: 64, mode: 0o7777 },
} as const;

const longestLink = 4096;
const latestTime = 2 ** 40;
const largestId = 2 ** 32 - 2;
const control = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u;
const dumpName = /(\.bson|\.metadata\.json|^prelude\.json)$/;

function pathProblem(path: string, place: TarPlace): string | undefined {
  const limit = limits[place];
  const parts = path.split('/');
  if (path === '') return 'its name is empty';
  if (path.includes('\0')) return 'its name holds a NUL';
  if (path.startsWith('/')) return 'its name is absolute';
  if (parts.includes('')) return 'its name has an empty part';
  if (parts.includes('.') || parts.includes('..')) return 'its name leaves its directory';
  if (control.test(path)) return 'its name holds control characters';
  if (parts.length > limit.depth) return `it lies more than ${limit.depth} levels deep`;
  if (nameToBytes(path).length > limit.path) return `its name is longer than ${limit.path} bytes`;
  if (parts.some((part) => nameToBytes(part).length > limit.component)) {
    return `a part of its name is longer than ${limit.component} bytes`;
  }
  return undefined;
}

function layoutProblem(entry: TarEntry): string | undefined {
  const { path, type } = entry;
  if (type === 'symlink') return 'an archive has links only inside root.tar';
  if (isRawName(path)) return 'its name is not UTF-8';
  if (path.includes('\\')) return 'its name holds a backslash';
  const misplaced = 'it has no place in the layout of an archive';
  if (path === contentDir || path === dumpDir || path === holdfastDir) {
    return type === 'directory' ? undefined : 'it must be a directory';
  }
  if (path === metadataFile || path === filesBundle || path === environConfigFile) {
    return type === 'file' ? undefined : 'it must be a file';
  }
  if (path.startsWith(`${holdfastDir}/`)) return undefined;
  if (!path.startsWith(`${dumpDir}/`)) return misplaced;
  const name = path.slice(path.lastIndexOf('/') + 1);
  return type === 'directory' || dumpName.test(name) ? undefined : misplaced;
}

function linkProblem(path: string, link: string): string | undefined {
  if (link === '') return 'its link target is empty';
  if (control.test(link)) return 'its link target holds control characters';
  if (nameToBytes(link).length > longestLink) return 'its link target is too long';
  if (link.startsWith('/'))
    return link.split('/').includes('..') ? 'its link target climbs' : undefined;
  let depth = path.split('/').length - 1;
  for (const part of link.split('/')) {
    if (part === '..') depth -= 1;
    else if (part !== '' && part !== '.') depth += 1;
    if (depth < 0) return 'its link target leaves the root';
  }
  return undefined;
}

function numberProblem(entry: TarEntry, place: TarPlace): string | undefined {
  if (entry.mode > limits[place].mode) return `its mode is ${entry.mode.toString(8)}`;
  for (const id of [entry.uid, entry.gid]) {
    if (!Number.isInteger(id) || id < 0 || id > largestId) return 'its owner is out of range';
  }
  if (!(Math.abs(entry.mtime) <= latestTime)) return 'its time is out of range';
  if (entry.type === 'file' && !(Number.isSafeInteger(entry.size) && entry.size >= 0)) {
    return 'its size is out of range';
  }
  return undefined;
}

/**
 * What one tar may hold, decided entry by entry in the order they come: names that stay inside,
 * nothing twice, nothing below something that is no directory, no pair of names that a file system
 * without case or with Unicode normalisation would take for one (collections under `dump/` may
 * differ in case: MongoDB tells them apart, and they are read by name, not from a file system).
 * The archive itself has a fixed layout: `juju-backup/{metadata.json,root.tar,environconfig.json,dump/**,holdfast/**}`.
 */
export class EntryPolicy {
  readonly #types = new Map<string, TarEntry['type']>();
  readonly #parents = new Set<string>();
  readonly #folded = new Map<string, string>();

  constructor(readonly place: TarPlace) {}

  /** Why the entry is not allowed, as words that follow a colon, or undefined when it is. */
  problem(entry: TarEntry): string | undefined {
    return (
      pathProblem(entry.path, this.place) ??
      (this.place === 'archive' ? layoutProblem(entry) : undefined) ??
      (entry.type === 'symlink' ? linkProblem(entry.path, entry.link) : undefined) ??
      numberProblem(entry, this.place) ??
      this.#placeProblem(entry)
    );
  }

  #placeProblem(entry: TarEntry): string | undefined {
    const { path, type } = entry;
    if (this.#types.has(path)) return 'it is there twice';
    if (type !== 'directory' && this.#parents.has(path)) return 'other entries lie below it';
    this.#types.set(path, type);
    for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) {
      const parent = path.slice(0, at);
      this.#parents.add(parent);
      const above = this.#types.get(parent) ?? 'directory';
      if (above !== 'directory') return `it lies below ${parent}, which is a ${above}`;
      const clash = this.#foldProblem(parent);
      if (clash !== undefined) return clash;
    }
    return this.#foldProblem(path);
  }

  #foldProblem(path: string): string | undefined {
    if (this.place === 'archive' && path.startsWith(`${dumpDir}/`)) return undefined;
    const key = path.normalize('NFKC').toUpperCase().toLowerCase();
    const other = this.#folded.get(key);
    if (other !== undefined && other !== path) return `its name differs from ${other} in case only`;
    this.#folded.set(key, path);
    return undefined;
  }
}
