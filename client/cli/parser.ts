import { Command, Option, type CommanderError } from 'commander';
import type { CommandInput, CommandSpec, OptionSpec } from './command-spec';

/** What runs a command once its command line has been understood. */
export type Execute = (spec: CommandSpec, input: CommandInput) => Promise<void>;

/** What each group of commands is about, by its name. */
export type Groups = Readonly<Record<string, string>>;

/** The parser of a command table. It throws CommanderError and never ends the process. */
export function buildParser(
  table: readonly CommandSpec[],
  groups: Groups,
  globals: readonly OptionSpec[],
  version: string,
  execute: Execute,
): Command {
  const program = prepare(new Command('holdfast'))
    .description('Durable backup and restore of Juju controllers')
    .version(version)
    .helpOption('--help', 'show help')
    .helpCommand(false);
  for (const option of globals) program.addOption(toOption(option));
  for (const spec of table) {
    const [first = '', second] = spec.name.split(' ');
    const parent = second === undefined ? program : group(program, first, groups);
    addCommand(parent, second ?? first, spec, execute);
  }
  return program;
}

function prepare(command: Command): Command {
  return command
    .exitOverride()
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ outputError: () => undefined });
}

function group(program: Command, name: string, groups: Groups): Command {
  const existing = program.commands.find((command) => command.name() === name);
  if (existing !== undefined) return existing;
  const about = groups[name] ?? '';
  return prepare(program.command(name))
    .summary(about)
    .description(`${about.charAt(0).toUpperCase()}${about.slice(1)}.`)
    .helpOption('--help', 'show help')
    .helpCommand(false);
}

function addCommand(parent: Command, name: string, spec: CommandSpec, execute: Execute): void {
  const command = prepare(parent.command(name))
    .summary(spec.summary)
    .description(spec.description)
    .helpOption('--help', 'show help');
  for (const { name: argument, required, repeatable, description } of spec.arguments) {
    const word = repeatable === true ? `${argument}...` : argument;
    command.argument(required ? `<${word}>` : `[${word}]`, description);
  }
  for (const option of spec.options) command.addOption(toOption(option));
  const examples = spec.examples.map((example) => `  $ ${example}`).join('\n');
  command.addHelpText('after', `\nExamples:\n${examples}`);
  command.action(() => {
    const values = command.args;
    return execute(spec, {
      arguments:
        spec.arguments.at(-1)?.repeatable === true
          ? values
          : spec.arguments.map((_, index) => values[index]),
      options: readOptions(command),
    });
  });
}

function toOption({ name, value, repeatable, description }: OptionSpec): Option {
  const flags = value === undefined ? `--${name}` : `--${name} <${value}>`;
  const option = new Option(flags, description);
  if (repeatable !== true) return option;
  return option.argParser((text: string, before: readonly string[] | undefined) => [
    ...(before ?? []),
    text,
  ]);
}

/** By the option's name without dashes and without `no-`. */
function readOptions(command: Command): CommandInput['options'] {
  const read = new Map<string, string | boolean | readonly string[]>();
  const values = Object.entries(command.optsWithGlobals());
  for (const [key, value] of values) {
    if (!isOptionValue(value)) continue;
    read.set(
      key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
      value,
    );
  }
  return read;
}

function isOptionValue(value: unknown): value is string | boolean | readonly string[] {
  if (typeof value === 'string' || typeof value === 'boolean') return true;
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}

/** Why a command line was not understood; undefined when help or the version was asked for. */
export function usageProblem(error: CommanderError): string | undefined {
  if (error.exitCode === 0) return undefined;
  if (error.code === 'commander.help') return 'a command is missing';
  return error.message.replace(/^error: /, '').replaceAll('\n', ' ');
}
