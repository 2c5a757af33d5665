import { chmod, copyFile, mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import https from 'node:https';
import path from 'node:path';
import { setInterval as every } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { WayClosed } from '../failures.mjs';
import { reasonOf, run } from '../run.mjs';

/** Milliseconds the host has to answer at all: behind a wall that swallows packets it never does. */
const ANSWER_WITHIN = 3_000;
/** Milliseconds without a further byte, the first one included, after which a download is given up. */
const SILENT_FOR = 20_000;

const DOWNLOAD = fileURLToPath(new URL('./download.mjs', import.meta.url));
const LIBRARY_DIRECTORIES = ['/lib', '/usr/lib', '/usr/local/lib', '/lib64', '/usr/lib64'];

/**
 * MongoDB's own build for this system, by the library that knows all of their addresses.
 *
 * Recipe: `version`, `needsLibrary` (a shared library without which the build can't start).
 *
 * @type {import('./index.mjs').Way}
 */
export const officialMongod = {
  kind: 'download',
  describe: ({ version }) => `official download of mongod ${version}`,
  async go({ version, needsLibrary }, errand) {
    if (needsLibrary !== undefined && !(await hasLibrary(needsLibrary))) {
      throw new WayClosed(`the official build needs ${needsLibrary}, which this system lacks`);
    }
    const mirror = errand.env.MONGOMS_DOWNLOAD_MIRROR || 'https://fastdl.mongodb.org';
    await download('mongodb-memory-server-core', mirror, ['mongod', version], 'mongod', errand);
  },
};

/**
 * Temporal's own build, by the SDK's test package.
 *
 * Recipe: `version`.
 *
 * @type {import('./index.mjs').Way}
 */
export const officialTemporal = {
  kind: 'download',
  describe: ({ version }) => `official download of temporal ${version}`,
  async go({ version }, errand) {
    await download(
      '@temporalio/testing',
      'https://temporal.download',
      ['temporal', version],
      'temporal',
      errand,
    );
  },
};

/**
 * @param {string} library package that downloads
 * @param {string} host
 * @param {string[]} what arguments of download.mjs
 * @param {string} program
 * @param {import('./index.mjs').Errand} errand
 */
async function download(library, host, what, program, { into, env, report, signal }) {
  if (!isInstalled(library)) throw new WayClosed(`${library} is not installed`);
  await mustAnswer(host, env, signal);
  report(`downloading from ${new URL(host).host}`);
  const directory = await mkdtemp(path.join(into, 'download-'));
  const downloaded = await inProcess(what, directory, env, signal);
  await mkdir(path.join(into, 'bin'), { recursive: true });
  const target = path.join(into, 'bin', program);
  await copyFile(downloaded, target);
  await chmod(target, 0o755);
  await rm(directory, { recursive: true });
}

/** A process of its own, so that a library that hangs can be stopped and its settings stay its own. */
async function inProcess(what, directory, env, signal) {
  const silence = new AbortController();
  const done = new AbortController();
  const stop = signal === undefined ? silence.signal : AbortSignal.any([signal, silence.signal]);
  void watch(directory, silence, done.signal);
  try {
    const result = await run(process.execPath, [DOWNLOAD, ...what, directory], {
      env,
      signal: stop,
      // Temporal's SDK takes SIGINT for a request to its workers, and would stay.
      killSignal: 'SIGKILL',
    });
    if (result.code !== 0) throw new WayClosed(reasonOf(result));
    return result.stdout.trim().split('\n').at(-1);
  } catch (error) {
    if (!silence.signal.aborted || signal?.aborted) throw error;
    throw new WayClosed(`no further byte for ${SILENT_FOR / 1000} s`);
  } finally {
    done.abort();
  }
}

/** Aborts `silence` once the directory has stopped growing. */
async function watch(directory, silence, signal) {
  let size = 0;
  let grown = Date.now();
  try {
    for await (const _ of every(1_000, undefined, { signal })) {
      const now = await sizeOf(directory);
      if (now !== size) grown = Date.now();
      size = now;
      if (Date.now() - grown > SILENT_FOR) return silence.abort();
    }
  } catch {
    // The download has ended, and the clock with it.
  }
}

/** @param {string} directory @returns {Promise<number>} bytes of all files in it */
async function sizeOf(directory) {
  const names = await readdir(directory, { recursive: true });
  const sizes = names.map((name) =>
    stat(path.join(directory, name)).then(
      (found) => found.size,
      () => 0,
    ),
  );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

function isInstalled(/** @type {string} */ library) {
  try {
    createRequire(import.meta.url).resolve(library);
    return true;
  } catch {
    return false;
  }
}

async function hasLibrary(/** @type {string} */ name) {
  const triplet = process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';
  const places = LIBRARY_DIRECTORIES.flatMap((place) => [place, path.join(place, triplet)]);
  const found = await Promise.all(
    places.map((place) => stat(path.join(place, name)).catch(() => undefined)),
  );
  return found.some((file) => file !== undefined);
}

/** @param {string} host @param {NodeJS.ProcessEnv} env @param {AbortSignal} [signal] */
async function mustAnswer(host, env, signal) {
  // Behind a proxy the host itself can't be asked; the watch over the download's bytes must do.
  if (env.HTTPS_PROXY || env.https_proxy) return;
  const clock = AbortSignal.timeout(ANSWER_WITHIN);
  const stop = signal === undefined ? clock : AbortSignal.any([signal, clock]);
  try {
    await head(host, stop);
  } catch (error) {
    if (signal?.aborted) throw error;
    const { code, message } = /** @type {NodeJS.ErrnoException} */ (error);
    const why = clock.aborted ? `no answer within ${ANSWER_WITHIN / 1000} s` : (code ?? message);
    throw new WayClosed(`${new URL(host).host} can't be reached (${why})`);
  }
}

/** @param {string} address @param {AbortSignal} signal @returns {Promise<void>} whatever the status is */
function head(address, signal) {
  return new Promise((resolve, reject) => {
    const request = https.request(address, { method: 'HEAD', signal, agent: false }, (response) => {
      response.resume();
      resolve();
    });
    request.once('error', reject).end();
  });
}
