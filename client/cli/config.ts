import { checkConfig } from '../../config/check';
import { loadConfig } from '../../config/load';
import type { CommandContext } from './context';
import { hasOption, type CommandRun } from './command-spec';

/** `holdfast config check`. Exit status 3 when it can be used but should be looked at. */
export const configCheck: CommandRun = async (context) => {
  const { terminal } = context;
  const { file, warnings } = await inspect(context);
  if (terminal.json) {
    terminal.outJson({ v: 1, file, warnings });
  } else {
    for (const warning of warnings)
      terminal.err(`${terminal.style('yellow', 'warning:')} ${warning}`);
    if (!terminal.quiet)
      terminal.out(`${file} is good${warnings.length > 0 ? ', with warnings' : ''}`);
  }
  return warnings.length > 0 ? 3 : 0;
};

/** `holdfast config show`. */
export const configShow: CommandRun = async (context, input) => {
  const { terminal } = context;
  const { file, lines, plain, config, origins } = await inspect(context);
  if (terminal.json) {
    terminal.outJson({ v: 1, file, config, origins: Object.fromEntries(origins) });
  } else {
    (hasOption(input, 'origin') ? lines : plain).forEach((line) => terminal.out(line));
  }
  return 0;
};

async function inspect({ environment, config }: CommandContext) {
  const loaded = await loadConfig({ environment, file: config });
  return { ...loaded, ...(await checkConfig(loaded, environment)) };
}
