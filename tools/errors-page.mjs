#!/usr/bin/env node
/**
 * Writes docs/errors.md from the error table (core/error-table.ts, as compiled in `dist`).
 *
 *     node tools/errors-page.mjs [--check]
 *
 * With --check nothing is written: exit status 1 says that the page is not what the table says. The
 * page is written as prettier leaves it, so that formatting never makes it stale.
 */
import { existsSync, realpathSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** @typedef {{exit: number, retryable: boolean, message: string, hint: string}} Entry */
/** @typedef {Readonly<Record<string, Entry>>} Table */

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const page = join(root, 'docs', 'errors.md');
const compiledTable = join(root, 'dist', 'core', 'error-table.js');

/** Every exit status the command line has; the ones of errors and those that need none. */
export const exitStatuses = Object.freeze({
  0: 'done',
  1: 'failed',
  2: 'wrong usage or configuration',
  3: 'done in part: a partial backup, a verification that left some for the next run, or a configuration with warnings',
  10: 'the storage has no such backup, or the storage or run is not there',
  11: 'locked: something else holds the controller, the host or the directory',
  12: 'credentials or a secret were refused or cannot be read',
  13: 'damage found',
  14: 'refused by a check before anything was changed',
  15: 'a version this Holdfast cannot work with',
  16: 'not enough space',
  17: 'Temporal, or a worker, cannot be reached',
  130: 'stopped by Ctrl-C (SIGINT), or the operation was cancelled',
  143: 'stopped by SIGTERM',
});

/** Title of each area, in the order of the page. */
const areas = Object.freeze({
  USAGE: 'Command line',
  CONFIG: 'Configuration',
  TEMPORAL: 'Temporal',
  WORKER: 'Workers',
  HOST: 'Host',
  PLAN: 'Plan of an operation',
  LOCK: 'Locks',
  FENCE: 'Attempts that were overtaken',
  DISK: 'Disk',
  WORKSPACE: 'Workspace',
  MONGO: 'MongoDB',
  DUMP: 'Dump',
  ARCHIVE: 'Archive',
  SOURCE: 'Dumps of other tools',
  LOCAL: 'Local files',
  MANIFEST: 'MANIFEST',
  STORAGE: 'Storage',
  CATALOG: 'Catalog',
  BACKUP: 'Backup',
  COPY: 'Copy',
  PREFLIGHT: 'Checks before a restore',
  RESTORE: 'Restore',
  LOAD: 'Load',
  REPLAY: 'Replay of the oplog',
  SWAP: 'Swap',
  SERVICE: 'Services',
  FILES: 'Files',
  CANCEL: 'Cancellation',
  JOB: 'Operations that run or ran',
  INTERNAL: 'Defects',
});

const preamble = `<!-- Made by tools/errors-page.mjs from core/error-table.ts: don't edit. -->

# Errors

Every error has a code \`HF-AREA-NNN\` that never changes its meaning. The command line prints
\`error: [CODE] message\` and \`hint: …\` on stderr and exits with the status of the code; with
\`--json\` it prints one object there: \`{type: "error", v, code, message, hint, exit}\`. In Temporal the
code is the type of the ApplicationFailure. Words in braces are filled in.

"Retried" says whether the step tries again by itself: such an error shows up as the last failure of
a running step, and as the end of a command only where nothing can be waited for.
`;

/** @param {string} text */
const cell = (text) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

/** Text outside code spans, where \`<\` would begin HTML. @param {string} text */
const prose = (text) =>
  cell(text)
    .split(/(`[^`]*`)/)
    .map((part) => (part.startsWith('`') ? part : part.replaceAll('<', '\\<')))
    .join('');

/** @param {string} text */
const code = (text) => `\`${cell(text)}\``;

/**
 * A table with columns as wide as their widest cell.
 * @param {readonly string[]} titles @param {readonly (readonly string[])[]} rows
 */
function markdownTable(titles, rows) {
  const widths = titles.map((title, column) =>
    Math.max(3, title.length, ...rows.map((row) => row[column].length)),
  );
  const line = (/** @type {readonly string[]} */ cells) =>
    `| ${cells.map((text, column) => text.padEnd(widths[column])).join(' | ')} |`;
  return [line(titles), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join(
    '\n',
  );
}

/** @param {string} name @param {Table} table */
function areaSection(name, table) {
  const rows = Object.entries(table)
    .filter(([key]) => areaOf(key) === name)
    .map(([key, { exit, retryable, message, hint }]) => [
      code(key),
      String(exit),
      retryable ? 'yes' : 'no',
      code(message),
      prose(hint),
    ]);
  const titles = ['Code', 'Exit', 'Retried', 'Message', 'Hint'];
  return `## ${areas[name]}\n\n${markdownTable(titles, rows)}\n`;
}

/** @param {string} key */
function areaOf(key) {
  return key.split('-')[1];
}

/**
 * The text of docs/errors.md.
 * @param {Table} table
 * @throws {Error} when the table has an area or an exit status this page has no words for.
 */
export function errorsPage(table) {
  for (const [key, { exit }] of Object.entries(table)) {
    if (!Object.hasOwn(areas, areaOf(key))) {
      throw new Error(`${key}: give its area a title in tools/errors-page.mjs`);
    }
    if (!Object.hasOwn(exitStatuses, exit)) {
      throw new Error(`${key}: exit status ${exit} has no meaning in tools/errors-page.mjs`);
    }
  }
  const used = new Set(Object.keys(table).map(areaOf));
  const sections = Object.keys(areas).filter((name) => used.has(name));
  const statuses = Object.entries(exitStatuses);
  return [
    preamble,
    `## Exit statuses\n\n${markdownTable(['Status', 'Meaning'], statuses)}\n`,
    ...sections.map((name) => areaSection(name, table)),
  ].join('\n');
}

/** @param {unknown} value @returns {value is Entry} */
function isEntry(value) {
  return (
    typeof value === 'object' &&
    value !== null &&
    'exit' in value &&
    typeof value.exit === 'number' &&
    'retryable' in value &&
    typeof value.retryable === 'boolean' &&
    'message' in value &&
    typeof value.message === 'string' &&
    'hint' in value &&
    typeof value.hint === 'string'
  );
}

/** @param {unknown} value @returns {[string, unknown][]} */
function entriesOf(value) {
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}

/** @returns {Table} what the build made of core/error-table.ts */
function loadTable() {
  /** @type {unknown} */
  const compiled = createRequire(import.meta.url)(compiledTable);
  /** @type {Record<string, Entry>} */
  const table = {};
  if (typeof compiled === 'object' && compiled !== null && 'errorTable' in compiled) {
    for (const [key, entry] of entriesOf(compiled.errorTable)) {
      if (isEntry(entry)) table[key] = entry;
    }
  }
  if (Object.keys(table).length === 0) throw new Error(`${compiledTable} holds no error table`);
  return table;
}

/** @param {string[]} args @returns {Promise<number>} the exit status */
async function main(args) {
  const unknown = args.filter((arg) => arg !== '--check');
  if (unknown.length > 0) {
    process.stderr.write(`unknown: ${unknown.join(' ')}\nusage: errors-page.mjs [--check]\n`);
    return 2;
  }
  if (!existsSync(compiledTable)) {
    process.stderr.write('dist is missing: run `npm run build` first\n');
    return 1;
  }
  const text = errorsPage(loadTable());
  if (!args.includes('--check')) {
    await writeFile(page, text);
    return 0;
  }
  if (existsSync(page) && (await readFile(page, 'utf8')) === text) return 0;
  process.stderr.write(
    'docs/errors.md is stale: run `npm run build && node tools/errors-page.mjs`\n',
  );
  return 1;
}

if (
  process.argv[1] !== undefined &&
  existsSync(process.argv[1]) &&
  realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)
) {
  process.exitCode = await main(process.argv.slice(2));
}
