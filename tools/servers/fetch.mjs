import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { serversDirectory, settle } from './cache.mjs';
import { WayClosed } from './failures.mjs';
import { withLock } from './lock.mjs';
import { askVersion } from './program.mjs';
import { ways } from './ways/index.mjs';
import { ZipRefused } from './zip-directory.mjs';

/** Values of HOLDFAST_FETCH, with the kinds of ways that each allows. */
const allowed = new Map([
  ['', ['download', 'packages']],
  ['yes', ['download', 'packages']],
  ['packages', ['packages']],
  ['no', []],
]);

/**
 * @param {NodeJS.ProcessEnv} env
 * @returns {string | undefined} what is wrong with HOLDFAST_FETCH, if anything
 */
export function whyFetchSettingIsWrong({ HOLDFAST_FETCH: value = '' }) {
  return allowed.has(value) ? undefined : `HOLDFAST_FETCH=${value} is none of yes, packages, no`;
}

/**
 * Where a server's program lies once its bundle is in the cache.
 *
 * @param {import('./table.mjs').Server} server
 * @param {NodeJS.ProcessEnv} env
 * @returns {string}
 */
export function cachedProgram(server, env) {
  return path.join(serversDirectory(env), server.bundle, 'bin', server.program);
}

/**
 * Brings a server's bundle into the cache by the first of its ways that works. Safe when several
 * processes ask at once: one fetches, the others wait and find.
 *
 * @param {import('./table.mjs').Server} server
 * @param {object} options
 * @param {NodeJS.ProcessEnv} options.env
 * @param {(doing: string) => void} options.report
 * @param {AbortSignal} [options.signal]
 * @param {{what: string, why: string}[]} options.tried gets what did not work, and why
 * @returns {Promise<string | undefined>} how it came into the cache; nothing when no way worked.
 *   The program there starts, or lacks only shared libraries that the system has to bring.
 */
export async function fetchBundle(server, { env, report, signal, tried }) {
  const kinds = allowed.get(env.HOLDFAST_FETCH ?? '') ?? [];
  if (kinds.length === 0) {
    tried.push({ what: 'fetching', why: 'forbidden by HOLDFAST_FETCH=no' });
    return undefined;
  }
  const parent = serversDirectory(env);
  await mkdir(parent, { recursive: true });
  const waiting = (/** @type {number} */ pid) =>
    report(`waiting for process ${pid}, which is fetching it`);
  return withLock(path.join(parent, `.${server.bundle}.lock`), { waiting, signal }, async () => {
    // Whoever held the lock before has probably done the work.
    if ((await whyUseless(cachedProgram(server, env), server, { env, signal })) === undefined)
      return 'cache';
    for (const recipe of server.ways) {
      const way = ways[recipe.way];
      const what = way.describe(recipe);
      if (!kinds.includes(way.kind)) {
        tried.push({ what, why: `forbidden by HOLDFAST_FETCH=${env.HOLDFAST_FETCH}` });
        continue;
      }
      try {
        await settle(path.join(parent, server.bundle), async (into) => {
          await way.go(recipe, { into, env, report, signal });
          const why = await whyUseless(path.join(into, 'bin', server.program), server, {
            env,
            signal,
          });
          if (why !== undefined) throw new WayClosed(`what it brought ${why}`);
        });
        return what;
      } catch (error) {
        if (signal?.aborted) throw error;
        const why = reasonOf(error);
        tried.push({ what, why });
        report(`${what}: ${why}`);
      }
    }
    return undefined;
  });
}

/**
 * A missing library of the system is no fault of the bundle: it is kept and complete once the library
 * is installed.
 */
async function whyUseless(file, server, options) {
  const answer = await askVersion(file, server, options);
  return 'reason' in answer ? answer.reason : undefined;
}

/** @param {any} error @returns {string} one line */
function reasonOf(error) {
  if (error instanceof ZipRefused) return `its archive is refused: ${error.message}`;
  return String(error?.message ?? error).split('\n')[0];
}
