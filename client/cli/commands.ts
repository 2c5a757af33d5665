import type { CommandSpec, OptionSpec } from './command-spec';
import { backupCommands } from './commands/backups';
import { catalogCommands } from './commands/catalog';
import { operationCommands } from './commands/operations';
import { processCommands } from './commands/processes';
import { restoreCommands } from './commands/restores';
import { retentionCommands } from './commands/retention';
import { setupCommands } from './commands/setup';

/** Options that every command takes. */
export const globalOptions: readonly OptionSpec[] = [
  { name: 'config', value: 'FILE', description: 'configuration file (default: holdfast.yaml)' },
  { name: 'json', description: 'JSON on stdout; JSON Lines for commands that take long' },
  { name: 'quiet', description: 'no progress, and only the essential on stdout' },
  { name: 'no-color', description: 'no colours' },
  { name: 'no-input', description: 'never ask; fail where a question would be asked' },
];

/** What a group of commands, the first word of two, is about. */
export const groups: Readonly<Record<string, string>> = {
  catalog: 'what `list` and `find` are answered from',
  config: 'check and show the configuration',
};

/** THE table of commands: parser, help, completion and documentation are made of it. */
export const commands: readonly CommandSpec[] = [
  ...processCommands,
  ...backupCommands,
  ...catalogCommands,
  ...retentionCommands,
  ...restoreCommands,
  ...operationCommands,
  ...setupCommands,
];
