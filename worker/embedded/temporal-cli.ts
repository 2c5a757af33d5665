import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, readdir } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { HoldfastError, errorText } from '../../core/errors';

/** Where the Temporal CLI is looked for. */
export interface CliSearch {
  /** What `--temporal-cli` names. */
  readonly named: string | undefined;
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly home: string;
}

/** A Temporal CLI that can be run. */
export interface TemporalCli {
  readonly path: string;
  /** Version of the server in it, as `temporal --version` tells. */
  readonly server: string;
}

/** Holdfast's cache: `$XDG_CACHE_HOME/holdfast`. */
export function cacheDirectory({ variables, home }: Omit<CliSearch, 'named'>): string {
  const xdg = variables['XDG_CACHE_HOME'];
  const base = xdg !== undefined && xdg.startsWith('/') ? xdg : join(home, '.cache');
  return join(base, 'holdfast');
}

/**
 * The Temporal CLI of this host: `--temporal-cli`, HOLDFAST_TEMPORAL_CLI, PATH, then the cache. One
 * that is named is the only one.
 * @throws HoldfastError HF-TEMPORAL-002 when there is none, or when the named one can't be run.
 */
export async function findTemporalCli(search: CliSearch): Promise<TemporalCli> {
  const { named, variables } = search;
  const looked: string[] = [];
  const given: [what: string, path: string | undefined][] = [
    ['--temporal-cli', named],
    ['HOLDFAST_TEMPORAL_CLI', variables['HOLDFAST_TEMPORAL_CLI']],
  ];
  for (const [what, path] of given) {
    if (path === undefined || path === '') continue;
    const cli = await tryCli(path);
    if ('server' in cli) return cli;
    throw new HoldfastError('HF-TEMPORAL-002', { looked: `${what} ${path} (${cli.reason})` });
  }
  looked.push('--temporal-cli (not given)', 'HOLDFAST_TEMPORAL_CLI (not set)');
  for (const directory of (variables['PATH'] ?? '').split(delimiter)) {
    if (directory === '') continue;
    const path = join(directory, 'temporal');
    if (!(await isExecutable(path))) continue;
    const cli = await tryCli(path);
    if ('server' in cli) return cli;
    looked.push(`${path} (${cli.reason})`);
  }
  looked.push('PATH');
  const cache = cacheDirectory(search);
  for (const path of await cachedClis(cache)) {
    const cli = await tryCli(path);
    if ('server' in cli) return cli;
    looked.push(`${path} (${cli.reason})`);
  }
  looked.push(cache);
  throw new HoldfastError('HF-TEMPORAL-002', { looked: looked.join(', ') });
}

/** Every `servers/temporal-VERSION/bin/temporal` of the cache, the newest version first. */
async function cachedClis(cache: string): Promise<string[]> {
  const directory = join(cache, 'servers');
  let names: string[];
  try {
    names = await readdir(directory);
  } catch {
    // A host without a cache has no CLI in it.
    return [];
  }
  const newestFirst = new Intl.Collator('en', { numeric: true });
  return names
    .filter((name) => /^temporal-\d/.test(name))
    .sort((one, other) => newestFirst.compare(other, one))
    .map((name) => join(directory, name, 'bin', 'temporal'));
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function tryCli(path: string): Promise<TemporalCli | { readonly reason: string }> {
  try {
    const { stdout } = await promisify(execFile)(path, ['--version'], { timeout: 10_000 });
    const server = /Server ([^\s,)]+)/.exec(stdout)?.[1];
    return server === undefined ? { reason: '`--version` names no server' } : { path, server };
  } catch (error) {
    return { reason: errorText(error).split('\n')[0] ?? 'cannot be run' };
  }
}
