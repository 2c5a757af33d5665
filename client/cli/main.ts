#!/usr/bin/env node
import { CommanderError } from 'commander';
import { silenceAwsSdkWarning } from '../../config/aws-sdk-warning';
import { processEnvironment } from '../../config/environment';
import { commands, globalOptions, groups } from './commands';
import { buildParser, usageProblem } from './parser';
import { reportError, usageError } from './report-error';
import { Terminal } from './terminal';

/** Runs one command line and returns its exit status. */
async function main(args: readonly string[]): Promise<number> {
  const environment = processEnvironment();
  const terminalOf = (on: (name: string) => boolean): Terminal =>
    new Terminal(process, {
      json: on('json'),
      quiet: on('quiet'),
      color: on('color'),
      input: on('input'),
      variables: environment.variables,
    });
  // Until the command line is understood, only what was typed tells how errors are to look.
  let terminal = terminalOf((name) =>
    name === 'color' || name === 'input'
      ? !args.includes(`--no-${name}`)
      : args.includes(`--${name}`),
  );
  let status = 0;
  const parser = buildParser(commands, groups, globalOptions, version(), async (spec, input) => {
    terminal = terminalOf((name) => input.options.get(name) === true);
    const config = input.options.get('config');
    const run = await spec.load();
    const context = {
      terminal,
      environment,
      config: typeof config === 'string' ? config : undefined,
    };
    status = await run(context, input);
  });
  try {
    await parser.parseAsync(args, { from: 'user' });
    return status;
  } catch (error) {
    if (!(error instanceof CommanderError)) return reportError(terminal, error);
    const problem = usageProblem(error);
    return problem === undefined ? 0 : reportError(terminal, usageError(problem, named(args)));
  }
}

/** The command a wrong command line was meant for, as far as it can be told. */
function named(args: readonly string[]): string {
  const names = commands.map(({ name }) => name);
  const words = args.filter((arg) => !arg.startsWith('-'));
  const [first = '', second = ''] = words;
  return [`${first} ${second}`, first].find((name) => names.includes(name)) ?? '';
}

function version(): string {
  const manifest: unknown = require('../../../package.json');
  return manifest instanceof Object && 'version' in manifest ? String(manifest.version) : '';
}

silenceAwsSdkWarning(process.env);
// What a cancelled call left open must not keep a command that has said everything from ending.
void main(process.argv.slice(2)).then((status) => {
  process.exitCode = status;
  process.stdout.write('', () => process.stderr.write('', () => process.exit()));
});
