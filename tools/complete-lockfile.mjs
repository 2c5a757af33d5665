#!/usr/bin/env node
/**
 * Makes package-lock.json usable on every platform and with every registry.
 *
 *     node tools/complete-lockfile.mjs [--check] [FILE]
 *
 * It removes the addresses that packages were fetched from, and adds entries for the optional platform
 * packages that npm left out: npm writes none for those its registry did not serve, and `npm ci` then
 * refuses the whole file. With --check nothing is written; what would change is listed, exit status 1.
 */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { platformOf } from './lockfile/platform.mjs';
import { leastVersion } from './lockfile/version.mjs';

/**
 * @typedef {object} Entry an entry of `packages`, as far as it matters here
 * @property {string} [version]
 * @property {string} [resolved]
 * @property {boolean} [link]
 * @property {boolean} [dev]
 * @property {Record<string, string>} [optionalDependencies]
 */

/**
 * @param {{lockfileVersion?: number, packages?: Record<string, Entry>}} lockfile
 * @returns {{lockfile: object, changes: string[]}} the completed file, and what differs, a line each
 * @throws when it is of a version, or has a dependency, that can't be completed
 */
function complete(lockfile) {
  if (lockfile.lockfileVersion !== 3 || lockfile.packages === undefined) {
    throw new Error('only lockfileVersion 3 is understood');
  }
  /** @type {string[]} */
  const changes = [];
  const packages = structuredClone(lockfile.packages);
  for (const [place, entry] of Object.entries(packages)) withoutAddress(place, entry, changes);
  // Those for production first: what they need as well is not left out by `npm ci --omit=dev`.
  const dependents = Object.entries(packages).sort(
    ([, one], [, other]) => Number(one.dev ?? false) - Number(other.dev ?? false),
  );
  for (const [place, entry] of dependents) {
    for (const [name, wanted] of Object.entries(entry.optionalDependencies ?? {})) {
      addMissing(packages, { place, entry, name, wanted }, changes);
    }
  }
  const sorted = Object.entries(packages).sort(([one], [other]) => one.localeCompare(other, 'en'));
  return { lockfile: { ...lockfile, packages: Object.fromEntries(sorted) }, changes };
}

/** @param {string} place @param {Entry} entry @param {string[]} changes */
function withoutAddress(place, entry, changes) {
  // A link's `resolved` is a path in this repository, and all that npm knows of it.
  if (entry.resolved === undefined || entry.link === true) return;
  if (!/^https?:/.test(entry.resolved)) {
    throw new Error(`${place} comes from ${entry.resolved.split(':')[0]}, not from a registry`);
  }
  delete entry.resolved;
  changes.push(`${place}: names the address it was fetched from`);
}

/**
 * @param {Record<string, Entry>} packages
 * @param {{place: string, entry: Entry, name: string, wanted: string}} dependency
 * @param {string[]} changes
 */
function addMissing(packages, { place, entry, name, wanted }, changes) {
  const seen = whatItFinds(packages, place, name);
  // Platform packages are pinned: another version further up belongs to somebody else.
  if (seen !== undefined && (seen.version === wanted || !/^\d/.test(wanted))) return;
  const version = leastVersion(name, wanted);
  const own = `${place === '' ? '' : `${place}/`}node_modules/${name}`;
  const at = seen === undefined ? `node_modules/${name}` : own;
  // npm's order of keys: version first, the others by name.
  const { cpu, libc, os } = platformOf(name);
  packages[at] = {
    version,
    ...(cpu && { cpu }),
    ...(entry.dev && { dev: true }),
    ...(libc && { libc }),
    optional: true,
    ...(os && { os }),
  };
  changes.push(`${at}: missing, though ${place || 'the package itself'} may need ${version}`);
}

/** Node's own search: beside the package, then upwards. */
function whatItFinds(
  /** @type {Record<string, Entry>} */ packages,
  /** @type {string} */ place,
  /** @type {string} */ name,
) {
  for (
    let from = place;
    from !== '';
    from = from.slice(0, Math.max(0, from.lastIndexOf('/node_modules/')))
  ) {
    const entry = packages[`${from}/node_modules/${name}`];
    if (entry !== undefined) return entry;
  }
  return packages[`node_modules/${name}`];
}

/** @param {string[]} args @returns {Promise<number>} the exit status */
async function main(args) {
  const check = args.includes('--check');
  const [file = fileURLToPath(new URL('../package-lock.json', import.meta.url))] = args.filter(
    (arg) => arg !== '--check',
  );
  const before = await readFile(file, 'utf8');
  const { lockfile, changes } = complete(JSON.parse(before));
  const after = `${JSON.stringify(lockfile, null, 2)}\n`;
  if (before === after) return 0;
  if (changes.length === 0) changes.push('not in the order or layout that npm writes');
  process.stdout.write(`${changes.join('\n')}\n`);
  if (check) {
    process.stderr.write('package-lock.json is incomplete: run node tools/complete-lockfile.mjs\n');
    return 1;
  }
  await writeFile(`${file}.new`, after);
  await rename(`${file}.new`, file);
  return 0;
}

main(process.argv.slice(2)).then(
  (status) => (process.exitCode = status),
  (error) => {
    process.stderr.write(`package-lock.json: ${error.message}\n`);
    process.exitCode = 1;
  },
);
