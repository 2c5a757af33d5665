import { constants, type Stats } from 'node:fs';
import { lstat, open, readdir, readlink, type FileHandle } from 'node:fs/promises';
import { posix } from 'node:path';
import { HoldfastError, errorText } from '../core/errors';
import { quoteName } from '../core/ids';
import { nameFromBytes } from './name-bytes';

const readChunk = 1024 * 1024;

interface HostAttributes {
  /** Where it lies on the host, as bytes. */
  readonly location: Buffer;
  /** Relative to the root, as bytes. */
  readonly name: Buffer;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Whole seconds since the epoch. */
  readonly mtime: number;
}

/** A file, directory or link of the host that a bundle holds. */
export type HostEntry =
  | (HostAttributes & { readonly type: 'file' | 'directory' })
  | (HostAttributes & { readonly type: 'symlink'; readonly link: Buffer });

/** Something on the host that no bundle holds. */
export interface OtherHostEntry {
  readonly type: 'other';
  readonly path: string;
  readonly reason: string;
}

function unreadable(location: Buffer, reason: string, cause?: unknown): HoldfastError {
  const path = quoteName(nameFromBytes(location));
  return new HoldfastError('HF-HOST-004', { path, reason }, { cause });
}

async function reading<T>(location: Buffer, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    throw unreadable(location, errorText(cause), cause);
  }
}

function attributes(location: Buffer, name: Buffer, stat: Stats): HostAttributes {
  const { uid, gid, mode, mtimeMs } = stat;
  return { location, name, mode: mode & 0o7777, uid, gid, mtime: Math.floor(mtimeMs / 1000) };
}

function otherKind(stat: Stats): string {
  if (stat.isSocket()) return 'it is a socket';
  if (stat.isFIFO()) return 'it is a FIFO';
  return stat.isBlockDevice() || stat.isCharacterDevice() ? 'it is a device' : 'it is no file';
}

function join(directory: Buffer, name: Buffer): Buffer {
  return directory.length === 0 ? name : Buffer.concat([directory, Buffer.from('/'), name]);
}

/** Link target as the archive keeps it: absolute targets inside `root` lose it. */
function archivedTarget(target: Buffer, root: Buffer): Buffer {
  if (root.length === 0) return target;
  if (target.equals(root)) return Buffer.from('/');
  const inside = Buffer.concat([root, Buffer.from('/')]);
  return target.subarray(0, inside.length).equals(inside) ? target.subarray(root.length) : target;
}

async function* walk(
  root: Buffer,
  name: Buffer,
  seen: Set<string>,
): AsyncGenerator<HostEntry | OtherHostEntry> {
  const key = name.toString('latin1');
  if (seen.has(key)) return;
  seen.add(key);
  const location = Buffer.concat([root, Buffer.from('/'), name]);
  const stat = await reading(location, lstat(location));
  const known = attributes(location, name, stat);
  if (stat.isFile()) {
    yield { ...known, type: 'file' };
  } else if (stat.isSymbolicLink()) {
    const target = await reading(location, readlink(location, { encoding: 'buffer' }));
    yield { ...known, type: 'symlink', link: archivedTarget(target, root) };
  } else if (stat.isDirectory()) {
    yield { ...known, type: 'directory' };
    const children = await reading(location, readdir(location, { encoding: 'buffer' }));
    for (const child of children.sort((a, b) => Buffer.compare(a, b))) {
      yield* walk(root, join(name, child), seen);
    }
  } else {
    yield { type: 'other', path: quoteName(nameFromBytes(location)), reason: otherKind(stat) };
  }
}

/**
 * Walks `paths` in their order, directories before what they hold, children by the bytes of their
 * names. Links that are met are stored, not followed; nothing is met twice.
 * @throws HoldfastError HF-HOST-004 for what is missing or cannot be looked at, HF-ARCHIVE-004 for
 * a path outside `root`.
 */
export async function* walkHostFiles(
  root: string,
  paths: readonly string[],
): AsyncGenerator<HostEntry | OtherHostEntry> {
  const base = posix.resolve(root);
  const prefix = base === '/' ? '' : base;
  const seen = new Set<string>();
  for (const path of paths) {
    const whole = posix.normalize(path).replace(/\/$/, '');
    if (!posix.isAbsolute(path) || !whole.startsWith(`${prefix}/`)) {
      const reason = `it does not lie below ${quoteName(base)}`;
      throw new HoldfastError('HF-ARCHIVE-004', { path: quoteName(path), reason });
    }
    yield* walk(Buffer.from(prefix), Buffer.from(whole.slice(prefix.length + 1)), seen);
  }
}

/** A host file held open, read to exactly the size it had at that moment. */
export interface OpenedHostFile {
  /** What fstat said of the opened file. */
  readonly stat: HostEntry;
  /** Bytes. */
  readonly size: number;
  /** Chunks of up to 1 MiB. @throws HoldfastError HF-HOST-004 when the file got shorter. */
  read(signal?: AbortSignal): AsyncGenerator<Buffer>;
  close(): Promise<void>;
}

async function* readExactly(
  handle: FileHandle,
  location: Buffer,
  size: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer> {
  for (let at = 0; at < size;) {
    signal?.throwIfAborted();
    const chunk = Buffer.allocUnsafe(Math.min(readChunk, size - at));
    const { bytesRead } = await reading(location, handle.read(chunk, 0, chunk.length, at));
    if (bytesRead === 0) {
      throw new HoldfastError('HF-HOST-006', {
        path: quoteName(nameFromBytes(location)),
        reason: `it shrank from ${size} to ${at} bytes`,
      });
    }
    yield chunk.subarray(0, bytesRead);
    at += bytesRead;
  }
}

/**
 * Opens a regular file without following a link in its last part and without waiting for a FIFO
 * that took its place.
 * @throws HoldfastError HF-HOST-004 when it cannot be opened or is no regular file any more.
 */
export async function openHostFile(host: HostEntry): Promise<OpenedHostFile> {
  const { location } = host;
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const handle = await reading(location, open(location, flags));
  try {
    const stat = await reading(location, handle.stat());
    if (!stat.isFile()) throw unreadable(location, 'it was replaced by something else');
    return {
      stat: { ...attributes(location, host.name, stat), type: 'file' },
      size: stat.size,
      read: (signal) => readExactly(handle, location, stat.size, signal),
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}
