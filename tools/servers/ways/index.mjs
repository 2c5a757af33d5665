import { goBuild, goInstall } from './go.mjs';
import { officialMongod, officialTemporal } from './official.mjs';
import { wheels } from './wheels.mjs';

/**
 * How a bundle is fetched. Each way fills `into` with the bundle's files and checks what it fetched;
 * a program goes to `bin/`, the libraries of its own to `lib/`. It throws WayClosed when it can't
 * be gone on this machine, and whatever it likes when a step fails.
 *
 * @typedef {object} Errand
 * @property {string} into an empty directory on the cache's file system
 * @property {NodeJS.ProcessEnv} env
 * @property {(doing: string) => void} report says what is being done, when it may take a while
 * @property {AbortSignal} [signal]
 *
 * @typedef {object} Way
 * @property {'download' | 'packages'} kind from the maker's own hosts, or through a package client
 * @property {(recipe: any) => string} describe what it is called in a list of what was tried
 * @property {(recipe: any, errand: Errand) => Promise<void>} go
 */

/** @type {Readonly<Record<string, Way>>} */
export const ways = Object.freeze({
  'official mongod': officialMongod,
  'official temporal': officialTemporal,
  'go install': goInstall,
  'go build': goBuild,
  wheels,
});
