import { lstat } from 'node:fs/promises';
import { join, posix, sep } from 'node:path';
import { HoldfastError } from '../core/errors';

/** Where an archive name (relative, as in root.tar) or an absolute path of the controller lies on this disk. */
export function underRoot(root: string, path: string): string {
  return join(root, path);
}

/** The name root.tar gives to an absolute path below `root`: relative to it, `/`-separated. */
export function nameInArchive(root: string, path: string): string {
  const base = join(root, '/');
  if (!path.startsWith(base)) {
    throw new HoldfastError('HF-FILES-001', {
      path,
      action: 'named',
      reason: `it lies outside ${root}`,
    });
  }
  return path.slice(base.length).split(sep).join('/');
}

/**
 * Why a name may not stand in root.tar, or undefined when it may: names are relative, without empty
 * components, `.` or `..`, without NUL.
 */
export function nameProblem(name: string): string | undefined {
  if (name === '') return 'the name is empty';
  if (name.includes('\0')) return 'the name holds a NUL';
  if (name.startsWith('/')) return 'the name is absolute';
  if (name.split('/').some((part) => part === '' || part === '.' || part === '..')) {
    return 'the name has an empty component, `.` or `..`';
  }
  return undefined;
}

/** Whether a file name is one that a file swap makes beside its targets. */
export function isHoldfastName(name: string): boolean {
  return /^\.hf-(stage|old)-/.test(name);
}

/**
 * The text a link in root.tar carries: an absolute target below `root` loses the root, a relative
 * one stays as it is.
 * @throws HoldfastError HF-HOST-004 when the target lies outside `root`.
 */
export function linkInArchive(root: string, path: string, target: string): string {
  const base = join(root, '/');
  if (base === '/') return target;
  const resolved = posix.resolve(posix.dirname(path), target);
  if (resolved !== join(base, '.') && !join(resolved, '/').startsWith(base)) {
    throw new HoldfastError('HF-HOST-004', {
      path,
      reason: `it links to ${target}, outside ${root}`,
    });
  }
  return target.startsWith('/') ? `/${resolved.slice(base.length)}` : target;
}

/**
 * The target to write on disk for a link of root.tar: absolute targets get the root in front again.
 * @returns undefined when the target would leave `root`.
 */
export function linkOnDisk(root: string, name: string, target: string): string | undefined {
  if (target === '' || target.includes('\0')) return undefined;
  const base = join(root, '/');
  if (base === '/') return target;
  if (target.startsWith('/')) return join(base, posix.normalize(target));
  const resolved = posix.resolve(posix.dirname(join(base, name)), target);
  return join(resolved, '/').startsWith(base) ? target : undefined;
}

/** Whether a path exists, without following a last link. */
export async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** Whether an error says that a path does not exist. */
export function isMissing(error: unknown): boolean {
  return hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR');
}

/** Whether an error carries this code of the operating system. */
export function hasCode(error: unknown, code: string): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code;
}
