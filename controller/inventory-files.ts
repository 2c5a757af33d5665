import { createHash } from 'node:crypto';
import { createReadStream, type Stats } from 'node:fs';
import { lstat, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { errorText, HoldfastError } from '../core/errors';
import { isMissing, underRoot } from './root-path';

/** One path as it lies on disk, to compare before with after. */
export interface FileRecord {
  /** Relative to `controller.root`. */
  readonly path: string;
  readonly type: 'file' | 'directory' | 'symlink' | 'other';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since 1970, whole: what a tar archive keeps. */
  readonly mtime: number;
  /** Bytes of a file. */
  readonly size?: number;
  /** SHA-256 of a file's bytes, hex. */
  readonly sha256?: string;
  /** Target of a link as it stands on disk. */
  readonly link?: string;
}

/**
 * Everything below the given paths, in byte order; a path that doesn't exist has no record.
 * Links are not followed. Files are streamed through the hash.
 * @param paths relative to `root`.
 * @throws HoldfastError HF-FILES-001 when something can't be read.
 */
export async function inventoryFiles(
  root: string,
  paths: readonly string[],
  signal?: AbortSignal,
): Promise<readonly FileRecord[]> {
  const records: FileRecord[] = [];
  const pending = [...paths];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    signal?.throwIfAborted();
    const absolute = underRoot(root, path);
    try {
      const stat = await lstat(absolute);
      records.push({ path, ...commonOf(stat), ...(await contentOf(absolute, stat, signal)) });
      if (!stat.isDirectory()) continue;
      for (const name of await readdir(absolute)) pending.push(join(path, name));
    } catch (error) {
      if (isMissing(error)) continue;
      signal?.throwIfAborted();
      throw new HoldfastError(
        'HF-FILES-001',
        { path: absolute, action: 'read', reason: errorText(error) },
        { cause: error },
      );
    }
  }
  return records.sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
}

function commonOf(stat: Stats): Pick<FileRecord, 'mode' | 'uid' | 'gid' | 'mtime'> {
  return {
    mode: stat.mode & 0o7777,
    uid: stat.uid,
    gid: stat.gid,
    mtime: Math.floor(stat.mtimeMs / 1000),
  };
}

async function contentOf(
  path: string,
  stat: Stats,
  signal: AbortSignal | undefined,
): Promise<Pick<FileRecord, 'type' | 'size' | 'sha256' | 'link'>> {
  if (stat.isDirectory()) return { type: 'directory' };
  if (stat.isSymbolicLink()) return { type: 'symlink', link: await readlink(path) };
  if (!stat.isFile()) return { type: 'other' };
  const hash = createHash('sha256');
  const bytes: AsyncIterable<Buffer> = createReadStream(
    path,
    signal === undefined ? {} : { signal },
  );
  for await (const chunk of bytes) hash.update(chunk);
  return { type: 'file', size: stat.size, sha256: hash.digest('hex') };
}
