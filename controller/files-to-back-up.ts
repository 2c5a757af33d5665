import type { Stats } from 'node:fs';
import { lstat, readdir, readlink, access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import { errorText, HoldfastError } from '../core/errors';
import { isHoldfastName, isMissing, linkInArchive, nameInArchive, underRoot } from './root-path';

/** One path of the host that belongs into root.tar. */
export interface FileToBackUp {
  /** Absolute path on this disk. */
  readonly path: string;
  /** Name in root.tar: relative to `controller.root`, no trailing slash. */
  readonly name: string;
  readonly type: 'file' | 'directory' | 'symlink';
  /** Bytes; 0 for directories and links. */
  readonly size: number;
  /** Permission bits with setuid, setgid and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since 1970, whole. */
  readonly mtime: number;
  /** Target of a link as root.tar carries it: absolute targets without `controller.root`. */
  readonly link?: string;
}

/** A path that was left out, with the reason: sockets and other things a tar archive of Juju never holds. */
export interface SkippedPath {
  readonly path: string;
  readonly reason: string;
}

export interface FilesToBackUp {
  /** In byte order of their names: a directory stands before what it holds. */
  readonly files: readonly FileToBackUp[];
  readonly skipped: readonly SkippedPath[];
  /** Sum of the files' sizes, bytes. */
  readonly bytes: number;
}

/** Where a controller's snap of mongod keeps the shared secret when the data directory has none. */
export const snapSharedSecret = '/var/snap/juju-db/common/shared-secret';
const authorizedKeys = '/home/ubuntu/.ssh/authorized_keys';

/**
 * The files Juju 2.9 and 3.x put into root.tar (state/backups/files.go): the tools tree, the
 * machine agents, system-identity, server.pem, the shared secret in either of its places,
 * nonce.txt when there is one, the authorized keys of `ubuntu`, and the init units. Directories are
 * walked here, links never followed.
 * @param root `controller.root`, `/` on a real host.
 * @param dataDir absolute as the controller knows it, `/var/lib/juju`.
 * @throws HoldfastError HF-HOST-004 when a required path is missing or one can't be read.
 */
export async function listFilesToBackUp(options: {
  readonly root: string;
  readonly dataDir: string;
  readonly signal?: AbortSignal;
}): Promise<FilesToBackUp> {
  const { root, dataDir, signal } = options;
  const data = underRoot(root, dataDir);
  const required = ['tools', 'system-identity', 'server.pem'].map((name) => join(data, name));
  const secrets = [join(data, 'shared-secret'), underRoot(root, snapSharedSecret)];
  const found = await Promise.all(secrets.map(present));
  const secret = secrets.filter((_, index) => found[index]);
  required.push(...(secret.length > 0 ? secret : secrets.slice(0, 1)));
  required.push(underRoot(root, authorizedKeys));
  const optional = [
    ...(await children(join(data, 'agents'))).filter((path) => /\/machine-[^/]*$/.test(path)),
    ...(await children(join(data, 'init'))),
    join(data, 'nonce.txt'),
  ];
  const files: FileToBackUp[] = [];
  const skipped: SkippedPath[] = [];
  for (const start of [...required, ...optional]) {
    let items = 0;
    for await (const item of walk(root, start, signal)) {
      items += 1;
      if ('reason' in item) skipped.push(item);
      else files.push(item);
    }
    if (items === 0 && required.includes(start)) {
      throw new HoldfastError('HF-HOST-004', { path: start, reason: 'it does not exist' });
    }
  }
  const byName = (a: { path: string }, b: { path: string }): number =>
    Buffer.compare(Buffer.from(a.path), Buffer.from(b.path));
  return {
    files: files.sort(byName),
    skipped: skipped.sort(byName),
    bytes: files.reduce((sum, file) => sum + file.size, 0),
  };
}

/**
 * Absolute paths of the files and links that a backup of this host holds, in byte order.
 *
 * @param root `controller.root`, `/` on a real host
 * @param dataDir absolute as the controller knows it: `/var/lib/juju` by default
 * @param machine its number, `0`: leaves out the agents of other machines; all of them by default
 * @throws HoldfastError HF-HOST-004 when a required path is missing or one can't be read
 */
export async function getFilesToBackUp(options: {
  readonly root: string;
  readonly dataDir?: string;
  readonly machine?: string;
  readonly signal?: AbortSignal;
}): Promise<string[]> {
  const { root, dataDir = '/var/lib/juju', machine, signal } = options;
  const listed = await listFilesToBackUp({
    root,
    dataDir,
    ...(signal === undefined ? {} : { signal }),
  });
  const agents = join(underRoot(root, dataDir), 'agents');
  const own = machine === undefined ? agents : join(agents, `machine-${machine}`);
  return listed.files
    .filter(({ type, path }) => type !== 'directory' && (!isIn(agents, path) || isIn(own, path)))
    .map(({ path }) => path);
}

function isIn(directory: string, path: string): boolean {
  return path.startsWith(join(directory, '/'));
}

async function present(path: string): Promise<boolean> {
  return (await statOf(path)) !== undefined;
}

async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw unreadable(path, error);
  }
}

async function children(directory: string): Promise<string[]> {
  try {
    const names = (await readdir(directory)).filter((name) => !isHoldfastName(name));
    return names.sort().map((name) => join(directory, name));
  } catch (error) {
    if (isMissing(error)) return [];
    throw unreadable(directory, error);
  }
}

function unreadable(path: string, cause: unknown): HoldfastError {
  return new HoldfastError('HF-HOST-004', { path, reason: errorText(cause) }, { cause });
}

async function* walk(
  root: string,
  start: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<FileToBackUp | SkippedPath> {
  const pending = [start];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    signal?.throwIfAborted();
    const stat = await statOf(path);
    // Only what lies directly under a pattern may be missing; deeper it vanished while we walked.
    if (stat === undefined) {
      if (path.includes('\ufffd')) throw unreadable(path, new Error('its name is not UTF-8'));
      if (path !== start) yield { path, reason: 'it vanished while the directory was read' };
      continue;
    }
    const common = {
      path,
      name: nameInArchive(root, path),
      size: 0,
      mode: stat.mode & 0o7777,
      uid: stat.uid,
      gid: stat.gid,
      mtime: Math.floor(stat.mtimeMs / 1000),
    };
    if (stat.isDirectory()) {
      yield { ...common, type: 'directory' };
      pending.push(...(await children(path)));
    } else if (stat.isSymbolicLink()) {
      yield { ...common, type: 'symlink', link: linkInArchive(root, path, await targetOf(path)) };
    } else if (stat.isFile()) {
      await requireReadable(path);
      yield { ...common, type: 'file', size: stat.size };
    } else {
      yield { path, reason: `it is a ${kindOf(stat)}` };
    }
  }
}

async function targetOf(path: string): Promise<string> {
  try {
    return await readlink(path);
  } catch (error) {
    throw unreadable(path, error);
  }
}

async function requireReadable(path: string): Promise<void> {
  try {
    await access(path, constants.R_OK);
  } catch (error) {
    throw unreadable(path, error);
  }
}

function kindOf(stat: Stats): string {
  if (stat.isSocket()) return 'socket';
  if (stat.isFIFO()) return 'FIFO';
  return 'device';
}
