import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import path from 'node:path';
import { reasonOf, run } from './run.mjs';

/** Milliseconds a program may take to tell its version: the first read of 150 MB from a slow disk. */
const PATIENCE = 30_000;

/**
 * Looks a program up on PATH.
 *
 * @param {string} name
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<string | undefined>} absolute path of the first executable of that name
 */
export async function onPath(name, env) {
  for (const directory of (env.PATH ?? '').split(path.delimiter)) {
    if (!path.isAbsolute(directory)) continue;
    const candidate = path.join(directory, name);
    if ((await whyNotExecutable(candidate)) === undefined) return candidate;
  }
  return undefined;
}

/**
 * @param {string} file
 * @returns {Promise<string | undefined>} the reason, or nothing when the file can be executed
 */
export async function whyNotExecutable(file) {
  const found = await stat(file).catch(() => undefined);
  if (found === undefined) return 'no such file';
  if (!found.isFile()) return 'not a file';
  return access(file, constants.X_OK).then(
    () => undefined,
    () => 'not executable',
  );
}

/**
 * Starts a program with `--version`, the one way to learn that it starts at all.
 *
 * @param {string} file
 * @param {import('./table.mjs').Server} server
 * @param {object} options
 * @param {NodeJS.ProcessEnv} options.env
 * @param {AbortSignal} [options.signal]
 * @returns {Promise<{version: string} | {missing: string[]} | {reason: string}>} its version, or the
 *   shared libraries it lacks, or why it is of no use
 * @throws only when `signal` aborts
 */
export async function askVersion(file, server, { env, signal }) {
  let answer;
  try {
    answer = await run(file, ['--version'], { env, timeout: PATIENCE, signal });
  } catch (error) {
    if (signal?.aborted) throw error;
    return { reason: `does not start: ${/** @type {Error} */ (error).message}` };
  }
  const missing = missingLibrary(answer.stderr);
  if (missing !== undefined) return { missing: await allMissing(file, missing, env) };
  if (answer.code !== 0) return { reason: `does not start: ${reasonOf(answer)}` };
  const version = server.version.pattern.exec(`${answer.stdout}\n${answer.stderr}`)?.[1];
  if (version === undefined)
    return { reason: `its --version does not look like ${server.program}` };
  if (!server.version.accepts(version)) {
    return { reason: `is version ${version}, but ${server.version.wanted} is wanted` };
  }
  return { version };
}

/** @param {string} stderr what the dynamic loader (Linux, then macOS) says before the program begins */
function missingLibrary(stderr) {
  const linux = /error while loading shared libraries: ([^:\s]+):/.exec(stderr);
  const mac = /Library not loaded: (\S+)/.exec(stderr);
  return linux?.[1] ?? (mac === null ? undefined : path.basename(mac[1]));
}

/**
 * The loader names one library and stops. Asked to list them all, it spares a second round.
 *
 * @param {string} file
 * @param {string} first the library that is known to be missing
 * @param {NodeJS.ProcessEnv} env
 */
async function allMissing(file, first, env) {
  const tracing = { ...env, LD_TRACE_LOADED_OBJECTS: '1' };
  const { stdout } = await run(file, [], { env: tracing, timeout: PATIENCE }).catch(() => ({
    stdout: '',
  }));
  const listed = [...stdout.matchAll(/^\s*(\S+) => not found/gm)].map((match) => match[1]);
  return [...new Set([first, ...listed])];
}
