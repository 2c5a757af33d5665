import { constants } from 'node:fs';
import { chmod, chown, lchown, lutimes, mkdir, open, rm, symlink, utimes } from 'node:fs/promises';
import { posix } from 'node:path';
import { errorText, HoldfastError, isAbort, isHoldfastError } from '../core/errors';
import { openDirectory, type OpenDirectory } from '../config/open-directory';
import { linkOnDisk, underRoot } from './root-path';
import { itemOf, openParent, parentsOf, readSwapList, writeSwapList } from './swap-list';
import type { SwapItem, SwapList } from './swap-list';

/** An entry of root.tar with its content. Entries may come in any order. */
export interface EntryToStage {
  /** Name in root.tar: relative, no trailing slash. */
  readonly path: string;
  readonly type: 'file' | 'directory' | 'symlink';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since 1970. */
  readonly mtime: number;
  /** Target of a link; absolute targets are relative to `controller.root`. */
  readonly link?: string | undefined;
  /** Content of a file; read once, before the next entry is asked for. */
  read(): AsyncIterable<Uint8Array>;
}

export interface StagedFiles {
  readonly files: number;
  /** Bytes written. */
  readonly bytes: number;
  /** Entries that lost setuid, setgid or sticky bits. */
  readonly stripped: readonly string[];
}

type Metadata = Pick<EntryToStage, 'path' | 'mode' | 'uid' | 'gid' | 'mtime'>;

const newFile = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/**
 * Writes the entries beside their targets as the list in `file` says; nothing that is live changes
 * but missing parent directories, which are made. Contents are on disk when it returns, with mode
 * (without setuid, setgid and sticky), owner and time; directories the archive doesn't hold get
 * 0755. What an earlier attempt staged is removed first, so it may be repeated at any point.
 * @throws HoldfastError HF-FILES-001 for an entry that may not be restored (a name twice, through a
 * link or a file, out of the root), one not in the plan, or an error of the file system.
 */
export async function stageFiles(
  file: string,
  entries: AsyncIterable<EntryToStage> | Iterable<EntryToStage>,
  signal?: AbortSignal,
): Promise<StagedFiles> {
  const list = await readSwapList(file);
  if (list.phase !== 'planned' && list.phase !== 'staged') {
    throw refused(file, `the swap is ${list.phase} already`);
  }
  await writeSwapList(file, { ...list, phase: 'planned' });
  for (const item of list.items) await removeStage(list, item);
  await makeParents(list);
  const work = new Staging(list);
  try {
    for await (const entry of entries) {
      signal?.throwIfAborted();
      try {
        await work.add(entry, signal);
      } catch (error) {
        if (isAbort(error) || isHoldfastError(error)) throw error;
        throw refused(underRoot(list.root, entry.path), errorText(error), error);
      }
    }
    await work.finish();
  } finally {
    await work.close();
  }
  await writeSwapList(file, { ...list, phase: 'staged' });
  return work.result();
}

/** Removes what was staged for an item, through its opened parent; no parent, nothing staged. */
export async function removeStage(list: SwapList, item: SwapItem): Promise<void> {
  const missing = list.made.includes(posix.dirname(item.path));
  let parent: OpenDirectory;
  try {
    parent = await openParent(list, item);
  } catch (error) {
    if (missing) return;
    throw error;
  }
  try {
    await rm(`${parent.path}/${posix.basename(item.stage)}`, { recursive: true, force: true });
    await parent.sync();
  } finally {
    await parent.close();
  }
}

async function makeParents(list: SwapList): Promise<void> {
  for (const name of list.made) {
    const above = posix.dirname(name);
    const parent = await openDirectory(list.root, above === '.' ? '' : above);
    try {
      const mode = posix.basename(name) === '.ssh' ? 0o700 : 0o755;
      await mkdir(`${parent.path}/${posix.basename(name)}`, { recursive: true, mode });
      await parent.sync();
    } finally {
      await parent.close();
    }
  }
}

class Staging {
  readonly #list: SwapList;
  readonly #parents = new Map<string, OpenDirectory>();
  /** What is there by now, as names of root.tar. */
  readonly #directories = new Map<string, Metadata | undefined>();
  readonly #stripped: string[] = [];
  #files = 0;
  #bytes = 0;

  constructor(list: SwapList) {
    this.#list = list;
  }

  async add(entry: EntryToStage, signal: AbortSignal | undefined): Promise<void> {
    const item = itemOf(this.#list, entry);
    if (item === undefined) return;
    if ((entry.mode & 0o7000) !== 0) this.#stripped.push(entry.path);
    if (entry.type === 'directory') {
      if (this.#directories.get(entry.path) !== undefined) {
        throw refused(underRoot(this.#list.root, entry.path), 'the archive holds it twice');
      }
      await this.#directory(item, entry.path);
      this.#directories.set(entry.path, entry);
      return;
    }
    if (entry.path !== item.path) await this.#directory(item, posix.dirname(entry.path));
    const path = await this.#place(item, entry.path);
    this.#files += 1;
    if (entry.type === 'file') await this.#file(path, entry, signal);
    else await this.#link(path, entry);
  }

  /** Makes a directory of the stage and those above it; every one of them is made by us, never found. */
  async #directory(item: SwapItem, name: string): Promise<void> {
    const chain = [...parentsOf(name), name].filter((each) => each.length >= item.path.length);
    for (const each of chain) {
      if (this.#directories.has(each)) continue;
      await mkdir(await this.#place(item, each), { mode: 0o700 });
      this.#directories.set(each, undefined);
    }
  }

  async #file(path: string, entry: EntryToStage, signal: AbortSignal | undefined): Promise<void> {
    const handle = await open(path, newFile, 0o600);
    try {
      for await (const chunk of entry.read()) {
        signal?.throwIfAborted();
        await handle.writeFile(chunk);
        this.#bytes += chunk.byteLength;
      }
      await handle.chown(entry.uid, entry.gid);
      await handle.chmod(entry.mode & 0o777);
      await handle.utimes(entry.mtime, entry.mtime);
      await handle.sync();
    } finally {
      await handle.close();
    }
  }

  async #link(path: string, entry: EntryToStage): Promise<void> {
    const target = linkOnDisk(this.#list.root, entry.path, entry.link ?? '');
    if (target === undefined) {
      throw refused(
        underRoot(this.#list.root, entry.path),
        `it links to ${JSON.stringify(entry.link ?? '')}, outside ${this.#list.root}`,
      );
    }
    await symlink(target, path);
    await lchown(path, entry.uid, entry.gid);
    await lutimes(path, entry.mtime, entry.mtime);
  }

  /** Where a name of root.tar is staged, by way of its item's opened parent directory. */
  async #place(item: SwapItem, name: string): Promise<string> {
    const above = posix.dirname(item.path);
    let parent = this.#parents.get(above);
    if (parent === undefined) {
      parent = await openParent(this.#list, item);
      this.#parents.set(above, parent);
    }
    return `${parent.path}/${posix.basename(item.stage)}${name.slice(item.path.length)}`;
  }

  /** Directories get their mode, owner and time last, innermost first: later entries would change them. */
  async finish(): Promise<void> {
    const names = [...this.#directories.keys()].sort((a, b) => b.length - a.length);
    for (const name of names) {
      const item = itemOf(this.#list, { path: name, type: 'directory' });
      if (item === undefined) continue;
      const path = await this.#place(item, name);
      const metadata = this.#directories.get(name);
      const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
      try {
        await handle.sync();
      } finally {
        await handle.close();
      }
      await chmod(path, (metadata?.mode ?? 0o755) & 0o777);
      if (metadata === undefined) continue;
      await chown(path, metadata.uid, metadata.gid);
      await utimes(path, metadata.mtime, metadata.mtime);
    }
    for (const parent of this.#parents.values()) await parent.sync();
  }

  async close(): Promise<void> {
    for (const parent of this.#parents.values()) await parent.close();
  }

  result(): StagedFiles {
    return { files: this.#files, bytes: this.#bytes, stripped: this.#stripped };
  }
}

function refused(path: string, reason: string, cause?: unknown): HoldfastError {
  return new HoldfastError('HF-FILES-001', { path, action: 'staged', reason }, { cause });
}
