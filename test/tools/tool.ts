import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { chmod, mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** The tools are ESM, which Jest can't import: they are run as a user runs them. */
export const tools = join(__dirname, '../../tools');

export interface Outcome {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a script of tools/ with exactly the environment given. */
export function runTool(
  script: string,
  args: string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Outcome> {
  return runNode([join(tools, script), ...args], env);
}

/** Runs a few lines of ESM in which `tools` is the address of tools/ and `args` the arguments. */
export function runModule(lines: string, args: string[] = []): Promise<Outcome> {
  const before = `const tools = ${JSON.stringify(`${pathToFileURL(tools).href}/`)}, args = process.argv.slice(1);`;
  return runNode(['--input-type=module', '--eval', before + lines, ...args], {});
}

export function startNode(args: string[], env: NodeJS.ProcessEnv): ChildProcess {
  return spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
}

function runNode(args: string[], env: NodeJS.ProcessEnv): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, args, { env }, (_error, stdout, stderr) => {
      resolve({ status: child.exitCode, stdout, stderr });
    });
  });
}

export function temporaryDirectory(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'holdfast-tools-'));
}

/** Writes an executable shell script that stands for a program. */
export async function fakeProgram(path: string, lines: string[]): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, ['#!/bin/sh', ...lines, ''].join('\n'));
  await chmod(path, 0o755);
  return path;
}
