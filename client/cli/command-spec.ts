import type { CommandContext } from './context';

/** A positional argument of a command. */
export interface ArgumentSpec {
  /** As help shows it, such as `ID`. */
  readonly name: string;
  readonly required: boolean;
  /** It may be given more than once; only the last argument of a command. */
  readonly repeatable?: boolean;
  readonly description: string;
  /** What can stand there, for completion: these words, or what `list` or `jobs` prints with --quiet. */
  readonly known?: readonly string[] | 'list' | 'jobs';
}

/** An option of a command. A name that begins with `no-` turns something off that is on by default. */
export interface OptionSpec {
  /** Without the dashes. */
  readonly name: string;
  /** Name of its value, such as `DIRECTORY`; absent for a switch. */
  readonly value?: string;
  /** It may be given more than once. */
  readonly repeatable?: boolean;
  readonly description: string;
}

/** What was typed after a command's name. Values are text: each command checks its own. */
export interface CommandInput {
  /** In their order; a repeatable one has all that follows. */
  readonly arguments: readonly (string | undefined)[];
  /** By the option's name without `no-`; switches are true or false. */
  readonly options: ReadonlyMap<string, string | boolean | readonly string[]>;
}

/** Does what a command says and returns the exit status. */
export type CommandRun = (context: CommandContext, input: CommandInput) => Promise<number>;

/** One row of the command table: parser, help and documentation are made of it. */
export interface CommandSpec {
  /** One word, or two for a command of a group: `config check`. */
  readonly name: string;
  /** One line, lower case, no final point. */
  readonly summary: string;
  /** Whole sentences for its own help. */
  readonly description: string;
  readonly arguments: readonly ArgumentSpec[];
  readonly options: readonly OptionSpec[];
  /** Command lines as a user types them. */
  readonly examples: readonly string[];
  /** Loads what the command needs: nothing of it is loaded for help. */
  load(): Promise<CommandRun>;
}

/** The text of an option with a value; undefined when it was not given. */
export function textOption(input: CommandInput, name: string): string | undefined {
  const value = input.options.get(name);
  return typeof value === 'string' ? value : undefined;
}

/** The texts of an option that may be given more than once. */
export function textOptions(input: CommandInput, name: string): readonly string[] {
  const value = input.options.get(name);
  return typeof value === 'object' ? value : [];
}

/** Whether a switch is on. */
export function hasOption(input: CommandInput, name: string): boolean {
  return input.options.get(name) === true;
}
