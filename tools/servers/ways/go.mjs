import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { WayClosed } from '../failures.mjs';
import { onPath } from '../program.mjs';
import { reasonOf, run } from '../run.mjs';

/** Milliseconds one build may take: an old laptop on a slow line, nothing in Go's own caches. */
const PATIENCE = 30 * 60_000;

/**
 * Builds a published program. Go checks its sources and their dependencies against its checksum
 * database. Go's own caches are used and filled as in any build of the user's.
 *
 * Recipe: `module` (package path of the program), `version`, `stamp`, `takes`, `needs`.
 *
 * @type {import('./index.mjs').Way}
 */
export const goInstall = {
  kind: 'packages',
  describe: ({ module, version }) => `go install ${module}@${version}`,
  async go({ module, version, stamp, takes, needs }, { into, env, report, signal }) {
    const go = await findGo(env, needs);
    report(`building with go (${takes})`);
    const bin = path.join(into, 'bin');
    await mkdir(bin);
    // The empty directory as working directory: no go.mod of anybody else is in sight.
    const options = { cwd: bin, env: { ...env, GOBIN: bin, GOWORK: 'off' }, signal };
    await mustRun(go, ['install', '-ldflags', linkFlags(stamp), `${module}@${version}`], options);
  },
};

/**
 * Builds programs from the module in a directory beside this one, whose go.mod and go.sum pin every
 * source; nothing that differs is accepted.
 *
 * Recipe: `directory`, `programs` (package path by program name), `stamp`, `takes`, `needs`.
 *
 * @type {import('./index.mjs').Way}
 */
export const goBuild = {
  kind: 'packages',
  describe: ({ directory }) => `go build in tools/servers/${directory}`,
  async go({ directory, programs, stamp, takes, needs }, { into, env, report, signal }) {
    const go = await findGo(env, needs);
    report(`building with go (${takes})`);
    const bin = path.join(into, 'bin');
    await mkdir(bin);
    const cwd = fileURLToPath(new URL(`../${directory}`, import.meta.url));
    const options = { cwd, env: { ...env, GOWORK: 'off' }, signal };
    // One build for each: their packages are all called main, so one -o directory can't hold them.
    for (const [name, source] of Object.entries(programs)) {
      const output = ['-o', path.join(bin, name)];
      await mustRun(
        go,
        ['build', '-mod=readonly', '-ldflags', linkFlags(stamp), ...output, source],
        options,
      );
    }
  },
};

/** @param {NodeJS.ProcessEnv} env @param {string} needs */
async function findGo(env, needs) {
  const go = await onPath('go', env);
  if (go === undefined) throw new WayClosed(`no go on PATH (${needs} is needed)`);
  return go;
}

/** @param {Record<string, string>} stamp values the linker sets, by variable */
function linkFlags(stamp) {
  // Without symbols and debug tables: two thirds of the size.
  return ['-s', '-w', ...Object.entries(stamp).map(([name, value]) => `-X ${name}=${value}`)].join(
    ' ',
  );
}

/** @param {string} go @param {string[]} args @param {object} options */
async function mustRun(go, args, options) {
  const result = await run(go, args, { ...options, timeout: PATIENCE });
  if (result.code !== 0) throw new WayClosed(reasonOf(result));
}
