#!/usr/bin/env node
/**
 * Writes docs/cli.md from the command table (client/cli/commands.ts, as compiled in `dist`).
 *
 *     node tools/cli-page.mjs [--check]
 *
 * With --check nothing is written: exit status 1 says that the page is not what the table says.
 */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';

/** @typedef {{name: string, value?: string, description: string}} Option */
/** @typedef {{name: string, required: boolean, repeatable?: boolean, description: string}} Argument */
/** @typedef {{name: string, description: string, arguments: Argument[], options: Option[], examples: string[]}} Command */

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const page = join(root, 'docs', 'cli.md');
const compiledTable = join(root, 'dist', 'client', 'cli', 'commands.js');

const preamble = `<!-- Made by tools/cli-page.mjs from client/cli/commands.ts: don't edit. -->

# Command line

stdout is data, stderr is progress and logs. The exit statuses are those of the
[README](../README.md), the codes of errors those of [errors.md](errors.md), what \`--json\` prints is
in [json.md](json.md).

Ctrl-C leaves an operation running and prints the command that leads back to it; on a terminal a second
one within 3 s asks whether to cancel it. Colours are used on terminals only: \`NO_COLOR\` or
\`--no-color\` turns them off, \`FORCE_COLOR\` on.
`;

/** @param {string} text @returns {string} one cell of a Markdown table */
function cell(text) {
  return text.replaceAll('|', String.raw`\|`).replaceAll('<', String.raw`\<`);
}

/** @param {Option[]} options @returns {string} */
function optionTable(options) {
  const rows = options.map(({ name, value, description }) => {
    const typed = value === undefined ? `--${name}` : `--${name} ${value}`;
    return `| \`${cell(typed)}\` | ${cell(description)} |`;
  });
  return ['| Option | |', '| --- | --- |', ...rows].join('\n');
}

/** @param {Command} command @returns {string} */
function chapter({ name, description, arguments: args, options, examples }) {
  const typed = args.map(({ name: word, required, repeatable }) => {
    const words = repeatable ? `${word}...` : word;
    return required ? words : `[${words}]`;
  });
  const usage = [`holdfast ${name}`, ...typed, ...(options.length > 0 ? ['[options]'] : [])];
  const parts = [`## ${name}`, `\`${usage.join(' ')}\``, description];
  if (args.length > 0) {
    parts.push(args.map((each) => `- \`${each.name}\`: ${each.description}`).join('\n'));
  }
  if (options.length > 0) parts.push(optionTable(options));
  const lines = examples.map((example) => `$ ${example}`).join('\n');
  parts.push(`\`\`\`console\n${lines}\n\`\`\``);
  return parts.join('\n\n');
}

/** @param {{commands: Command[], globalOptions: Option[]}} table @returns {Promise<string>} */
export async function cliPage({ commands, globalOptions }) {
  const everywhere = `## Options of every command\n\n${optionTable(globalOptions)}`;
  const text = [preamble, everywhere, ...commands.map(chapter)].join('\n\n');
  return await format(text, { parser: 'markdown', printWidth: 100, singleQuote: true });
}

/** @param {string[]} args @returns {Promise<number>} the exit status */
async function main(args) {
  if (args.some((arg) => arg !== '--check')) {
    process.stderr.write('usage: cli-page.mjs [--check]\n');
    return 2;
  }
  if (!existsSync(compiledTable)) {
    process.stderr.write('dist is missing: run `npm run build` first\n');
    return 1;
  }
  const text = await cliPage(createRequire(import.meta.url)(compiledTable));
  if (!args.includes('--check')) {
    await writeFile(page, text);
    return 0;
  }
  if (existsSync(page) && (await readFile(page, 'utf8')) === text) return 0;
  process.stderr.write('docs/cli.md is stale: run `npm run build && node tools/cli-page.mjs`\n');
  return 1;
}

process.exitCode = await main(process.argv.slice(2));
