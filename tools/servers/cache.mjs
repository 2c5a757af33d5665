import { mkdir, mkdtemp, open, readdir, rename, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

/**
 * Where fetched servers are kept: `$XDG_CACHE_HOME/holdfast/servers`, by default under `~/.cache`.
 *
 * @param {NodeJS.ProcessEnv} env
 * @returns {string} absolute path; it need not exist
 */
export function serversDirectory(env) {
  const named = env.XDG_CACHE_HOME ?? '';
  // The XDG rules: a relative path there is to be ignored.
  const base = path.isAbsolute(named) ? named : path.join(env.HOME || os.homedir(), '.cache');
  return path.join(base, 'holdfast', 'servers');
}

/**
 * Fills a bundle's directory through a temporary one beside it: the directory is either there whole
 * and on disk, or not at all. What an earlier, killed attempt left is removed first.
 * Call it while holding the bundle's lock.
 *
 * @param {string} directory the bundle's directory; a broken one that is there is replaced
 * @param {(into: string) => Promise<void>} fill writes the files; when it throws, nothing is kept
 */
export async function settle(directory, fill) {
  const parent = path.dirname(directory);
  const prefix = `.${path.basename(directory)}.part-`;
  await sweep(parent, prefix);
  const part = await mkdtemp(path.join(parent, prefix));
  try {
    const content = path.join(part, 'content');
    await mkdir(content);
    await fill(content);
    await flush(content);
    // A directory can't be renamed over one with files in it.
    await rename(directory, path.join(part, 'replaced')).catch(ignoreMissing);
    await rename(content, directory);
    await flushOne(parent);
  } finally {
    await rm(part, { recursive: true, force: true });
  }
}

/** @param {string} parent @param {string} prefix */
async function sweep(parent, prefix) {
  const left = (await readdir(parent)).filter((name) => name.startsWith(prefix));
  await Promise.all(
    left.map((name) => rm(path.join(parent, name), { recursive: true, force: true })),
  );
}

/** @param {string} directory everything in it is brought to disk, its own entry last */
async function flush(directory) {
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const name = path.join(directory, entry.name);
    if (entry.isDirectory()) await flush(name);
    else if (entry.isFile()) await flushOne(name);
  }
  await flushOne(directory);
}

/** @param {string} name a file or a directory */
async function flushOne(name) {
  const handle = await open(name, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** @param {NodeJS.ErrnoException} error */
function ignoreMissing(error) {
  if (error.code !== 'ENOENT') throw error;
}
