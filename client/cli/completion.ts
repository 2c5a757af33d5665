import type { CommandRun } from './command-spec';
import { commands, globalOptions, groups } from './commands';
import { completionScript, shells } from './completion-script';
import { usageError } from './report-error';

/** `holdfast completion SHELL`. */
export const completion: CommandRun = ({ terminal }, input) => {
  const [name = ''] = input.arguments;
  const shell = shells.find((each) => each === name);
  if (shell === undefined) {
    throw usageError(`completions are made for ${shells.join(', ')}, not ${name}`, 'completion');
  }
  terminal.out(completionScript(shell, commands, groups, globalOptions).trimEnd());
  return Promise.resolve(0);
};
