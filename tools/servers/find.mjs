import path from 'node:path';
import { ServerUnavailable } from './failures.mjs';
import { cachedProgram, fetchBundle, whyFetchSettingIsWrong } from './fetch.mjs';
import { howToInstall } from './libraries.mjs';
import { askVersion, onPath, whyNotExecutable } from './program.mjs';
import { servers } from './table.mjs';

/**
 * @typedef {object} Found
 * @property {string} path absolute path of an executable that was just seen to start
 * @property {string} version as it tells it itself
 * @property {'environment' | 'path' | 'cache' | 'fetched'} origin
 * @property {Record<string, string>} env what has to be in its environment besides; mostly nothing
 */

/**
 * Finds a server: named by its environment variable, on PATH, in the cache, else fetched into it.
 *
 * @param {string} name a key of table.mjs
 * @param {object} [options]
 * @param {NodeJS.ProcessEnv} [options.env] environment that is searched, and given to what is run
 * @param {(line: string) => void} [options.report] gets one line for every step
 * @param {AbortSignal} [options.signal] stops waiting, fetching and building
 * @returns {Promise<Found>}
 * @throws {ServerUnavailable} with all that was tried and what to install. A variable that names
 *   something wrong, and a program that lacks a shared library, end the search: silently taking another
 *   program than the one meant would hide the cause.
 * @throws {RangeError} on an unknown name
 */
export async function findServer(name, { env = process.env, report = toStderr, signal } = {}) {
  if (!Object.hasOwn(servers, name)) {
    throw new RangeError(
      `no server is called ${name}; known are ${Object.keys(servers).join(', ')}`,
    );
  }
  const server = servers[name];
  const wrong = whyFetchSettingIsWrong(env);
  if (wrong !== undefined) throw new ServerUnavailable(`${server.title}: ${wrong}`);
  const search = {
    server,
    env,
    signal,
    report: (/** @type {string} */ doing) => report(`${server.title}: ${doing}`),
  };
  /** @type {{what: string, why: string}[]} */
  const tried = [];
  const program =
    (await namedByVariable(search, tried)) ??
    (await lyingOnPath(search, tried)) ??
    (await lyingInCache(search, tried)) ??
    (await fetched(search, tried));
  if (program === undefined) throw ServerUnavailable.afterTrying(server, tried);
  return program;
}

/** @typedef {{server: import('./table.mjs').Server, env: NodeJS.ProcessEnv, signal?: AbortSignal, report: (doing: string) => void}} Search */

async function namedByVariable(/** @type {Search} */ search, tried) {
  const { server, env, report } = search;
  const named = env[server.variable];
  if (named === undefined || named === '') {
    tried.push({ what: server.variable, why: 'not set' });
    return undefined;
  }
  const file = path.resolve(named);
  const why = await whyNotExecutable(file);
  if (why !== undefined) throw wrongVariable(server, file, why);
  const answer = await ask(file, search);
  if ('reason' in answer) throw wrongVariable(server, file, answer.reason);
  report(`named by ${server.variable}: ${file}, version ${answer.version}`);
  return found(file, answer.version, 'environment');
}

async function lyingOnPath(/** @type {Search} */ search, tried) {
  const { server, env, report } = search;
  const file = await onPath(server.program, env);
  if (file === undefined) {
    tried.push({ what: 'PATH', why: `no ${server.program} on it` });
    return undefined;
  }
  const answer = await ask(file, search);
  if ('reason' in answer) {
    tried.push({ what: 'PATH', why: `${file} ${answer.reason}` });
    return undefined;
  }
  report(`found on PATH: ${file}, version ${answer.version}`);
  return found(file, answer.version, 'path');
}

async function lyingInCache(/** @type {Search} */ search, tried) {
  const { server, env, report } = search;
  const file = cachedProgram(server, env);
  const why = await whyNotExecutable(file);
  if (why !== undefined) {
    tried.push({ what: 'cache', why: `${why}: ${file}` });
    return undefined;
  }
  const answer = await ask(file, search);
  if ('reason' in answer) {
    tried.push({ what: 'cache', why: `${file} ${answer.reason}` });
    return undefined;
  }
  report(`found in cache: ${file}, version ${answer.version}`);
  return found(file, answer.version, 'cache');
}

async function fetched(/** @type {Search} */ search, tried) {
  const { server, env, report, signal } = search;
  const way = await fetchBundle(server, { env, report, signal, tried });
  if (way === undefined) return undefined;
  const file = cachedProgram(server, env);
  const answer = await ask(file, search);
  if ('reason' in answer) {
    tried.push({ what: way, why: `${file} ${answer.reason}` });
    return undefined;
  }
  report(`ready: ${file}, version ${answer.version}`);
  return found(file, answer.version, way === 'cache' ? 'cache' : 'fetched');
}

/**
 * @returns {Promise<{version: string} | {reason: string}>}
 * @throws {ServerUnavailable} when all it lacks is a shared library
 */
async function ask(file, { server, env, signal }) {
  const answer = await askVersion(file, server, { env, signal });
  if (!('missing' in answer)) return answer;
  const one = answer.missing.length === 1;
  throw new ServerUnavailable(
    `${server.title}: ${file} does not start: the shared ${one ? 'library' : 'libraries'} ` +
      `${answer.missing.join(', ')} ${one ? 'is' : 'are'} missing.\n${howToInstall(answer.missing)}`,
  );
}

/** @returns {Found} */
function found(file, version, origin) {
  return { path: file, version, origin, env: {} };
}

function wrongVariable(server, file, why) {
  return new ServerUnavailable(
    `${server.title}: ${server.variable} names ${file}, and that is wrong: ${why}.\n` +
      `Correct it, or unset it to have ${server.title} found or fetched.`,
  );
}

function toStderr(/** @type {string} */ line) {
  process.stderr.write(`${line}\n`);
}
