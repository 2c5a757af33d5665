import { execFile } from 'node:child_process';
import { join } from 'node:path';

/** Root of the repository. */
export const repository = join(__dirname, '../..');

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, whatever its exit status. */
export function run(program: string, args: readonly string[], cwd: string): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(
      program,
      args,
      { cwd, maxBuffer: 64 * 1024 * 1024 },
      (_error, stdout, stderr) => resolve({ status: child.exitCode, stdout, stderr }),
    );
  });
}

/** As run; a status other than 0 is an error that tells what was said. */
export async function runWell(
  program: string,
  args: readonly string[],
  cwd: string,
): Promise<string> {
  const { status, stdout, stderr } = await run(program, args, cwd);
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${String(status)}\n${stderr}`);
  return stdout;
}
