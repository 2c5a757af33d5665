import { randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import os from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';

/** Milliseconds between two looks at a lock that another process holds. */
const LOOK_EVERY = 200;
/** Milliseconds between two signs of life of a holder. */
const SIGN_EVERY = 5_000;
/** A holder that gave no sign for this many milliseconds is gone, wherever it ran. */
const SILENT_FOR = 60_000;

/**
 * Runs `work` while holding the lock file, after waiting for whoever holds it. A lock whose process
 * is dead, or has given no sign of life for a minute, is taken over.
 *
 * @template T
 * @param {string} file path of the lock; its directory must exist
 * @param {object} options
 * @param {(pid: number) => void} [options.waiting] called once when another process holds the lock
 * @param {AbortSignal} [options.signal] ends the waiting
 * @param {() => Promise<T>} work
 * @returns {Promise<T>} what `work` returned
 */
export async function withLock(file, { waiting, signal }, work) {
  const mine = JSON.stringify({ pid: process.pid, host: os.hostname(), id: randomUUID() });
  let told = false;
  while (!(await take(file, mine))) {
    const holder = await read(file);
    if (holder === undefined) continue;
    if (await isGone(file, holder)) {
      await clear(file, holder.text);
      continue;
    }
    if (!told) waiting?.(holder.pid);
    told = true;
    await pause(LOOK_EVERY, undefined, { signal });
  }
  const sign = setInterval(() => {
    utimes(file, new Date(), new Date()).catch(() => {});
  }, SIGN_EVERY);
  sign.unref();
  try {
    return await work();
  } finally {
    clearInterval(sign);
    if ((await read(file))?.text === mine) await rm(file, { force: true });
  }
}

/** The lock appears by link(2), whole: nobody can ever read one without its holder in it. */
async function take(/** @type {string} */ file, /** @type {string} */ text) {
  const draft = `${file}.${randomUUID()}`;
  await writeFile(draft, text, { flag: 'wx' });
  try {
    await link(draft, file);
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

/** @returns {Promise<{text: string, pid: number, host: string} | undefined>} nothing when the lock is free */
async function read(/** @type {string} */ file) {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const { pid, host } = JSON.parse(text);
    return { text, pid, host };
  } catch {
    return { text, pid: 0, host: '' };
  }
}

async function isGone(
  /** @type {string} */ file,
  /** @type {{pid: number, host: string}} */ { pid, host },
) {
  // The clock of the file system, through a file just written there, is not needed: a minute is coarse.
  const lastSign = await stat(file).then(
    (found) => found.mtimeMs,
    () => Date.now(),
  );
  if (Date.now() - lastSign > SILENT_FOR) return true;
  // A process number means something on its own host only.
  return host === os.hostname() && !isAlive(pid);
}

function isAlive(/** @type {number} */ pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
}

/**
 * Two who wait may both see a dead holder. Only one rename wins; if it caught the lock of the one
 * who was quicker, that lock is put back.
 */
async function clear(/** @type {string} */ file, /** @type {string} */ text) {
  const aside = `${file}.${randomUUID()}`;
  try {
    await rename(file, aside);
  } catch {
    return;
  }
  const caught = await readFile(aside, 'utf8').catch(() => text);
  if (caught !== text) await link(aside, file).catch(() => {});
  await rm(aside, { force: true });
}
