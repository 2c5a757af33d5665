import { spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { commands, globalOptions, groups } from '../../client/cli/commands';
import { completionScript, type Shell } from '../../client/cli/completion-script';
import { requireBuild, runCommand } from './built-command';
import { removeDirectories, temporaryDirectory } from './temporary';

let directory: string;

/** Completes a line in the real shell, where a `holdfast` stands in PATH that knows two ids. */
const shellRuns: Readonly<Record<Shell, (script: string, line: string) => string[]>> = {
  bash: (script, line) => [
    '--norc',
    '-c',
    `source ${script}; COMP_WORDS=(${line.replace(/ $/, " ''")}); ` +
      'COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _holdfast; printf "%s\\n" "${COMPREPLY[@]}"',
  ],
  zsh: (script, line) => [
    '-f',
    '-c',
    // The functions that talk to the line editor are the only ones that are stood in for.
    `compdef() { :; }; _files() { print -l *; }; compadd() { shift; print -l -- "$@"; }; ` +
      `_describe() { local a=\${@[-1]}; print -l -- \${\${(P)a}%%:*}; }; source ${script}; ` +
      `words=(${line.replace(/ $/, " ''")}); CURRENT=\${#words}; _holdfast`,
  ],
  fish: (script, line) => ['--no-config', '-c', `source ${script}; complete -C '${line}'`],
};

const installed = (shell: Shell): boolean => spawnSync(shell, ['-c', 'true']).error === undefined;

beforeAll(async () => {
  requireBuild();
  directory = await temporaryDirectory();
  await mkdir(join(directory, 'bin'));
  const stub = '#!/bin/sh\n[ "$2" = --quiet ] && echo "$1-1" && echo "$1-2"\n';
  await writeFile(join(directory, 'bin/holdfast'), stub, { mode: 0o755 });
  await writeFile(join(directory, 'other.yaml'), '');
});
afterAll(removeDirectories);

describe.each(['bash', 'zsh', 'fish'] as const)('the completion of %s', (shell) => {
  it('is printed by the command', async () => {
    const { status, stdout } = await runCommand(['completion', shell], { cwd: directory });
    expect(status).toBe(0);
    expect(stdout).toBe(completionScript(shell, commands, groups, globalOptions));
  });

  it('completes commands, subcommands, options, files, values and ids in the real shell', async () => {
    if (!installed(shell)) {
      process.stderr.write(`skipped: ${shell} is not installed here\n`);
      return;
    }
    const script = join(directory, `completion.${shell}`);
    await writeFile(script, completionScript(shell, commands, groups, globalOptions));
    const complete = (line: string): string[] => {
      const { stdout, stderr } = spawnSync(shell, shellRuns[shell](script, line), {
        cwd: directory,
        encoding: 'utf8',
        env: { PATH: `${join(directory, 'bin')}:/usr/bin:/bin`, HOME: directory },
      });
      expect(stderr).toBe('');
      const words = stdout.split('\n').map((each) => each.split('\t')[0] ?? '');
      // zsh's own matching happens in the line editor.
      const typed = line.split(' ').at(-1) ?? '';
      return words.filter((word) => word !== '' && word.startsWith(typed)).toSorted();
    };
    const words = ['cancel', 'catalog', 'completion', 'config', 'copy', 'create'];
    expect(complete('holdfast c')).toEqual(words);
    expect(complete('holdfast config ')).toEqual(['check', 'show']);
    expect(complete('holdfast --json --config x config s')).toEqual(['show']);
    expect(complete('holdfast restore --r')).toEqual(['--replace', '--resume', '--rollback']);
    expect(complete('holdfast create --metadata-format ')).toEqual(['0', '1', '2']);
    expect(complete('holdfast list --config o')).toEqual(['other.yaml']);
    expect(complete('holdfast verify ')).toEqual(['list-1', 'list-2']);
    expect(complete('holdfast verify list-1 ')).toEqual([]);
    expect(complete('holdfast remove list-1 ')).toEqual(['list-1', 'list-2']);
    expect(complete('holdfast watch ')).toEqual(['jobs-1', 'jobs-2']);
    expect(complete('holdfast completion ')).toEqual(['bash', 'fish', 'zsh']);
  });
});

it('is refused for a shell that it does not know', async () => {
  const { status, stderr } = await runCommand(['completion', 'tcsh'], { cwd: directory });
  expect(status).toBe(2);
  expect(stderr).toContain('completions are made for bash, zsh, fish, not tcsh');
});
