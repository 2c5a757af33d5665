import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { LimitsConfig } from '../config/holdfast-config';

/** How a process is started so that it, its threads and its children run at a priority. */
export interface WorkerPriority {
  /** Words before its own command; none for the priority of the process that starts it. */
  readonly prefix: readonly string[];
  /** What was asked for and cannot be done, as a sentence each. */
  readonly problems: readonly string[];
}

/**
 * The priority that the configuration asks for. Linux keeps both niceness and I/O class by thread,
 * and a thread has those of the one that made it: set on a running process they would miss the
 * threads that compress, so `nice` and `ionice` start it.
 * @param path directories in which the two programs are looked for, as in PATH
 */
export function workerPriority(
  { nice, ioClass }: Pick<LimitsConfig, 'nice' | 'ioClass'>,
  path: string | undefined,
): WorkerPriority {
  const wanted: readonly (readonly string[])[] = [
    ...(nice === 0 ? [] : [['nice', '-n', String(nice)]]),
    ...ioArguments(ioClass),
  ];
  const prefix: string[] = [];
  const problems: string[] = [];
  for (const [program = '', ...args] of wanted) {
    const found = findProgram(program, path);
    if (found !== undefined) prefix.push(found, ...args);
    else problems.push(`${program} is not on PATH: the host worker runs without it`);
  }
  return { prefix, problems };
}

function ioArguments(ioClass: LimitsConfig['ioClass']): string[][] {
  switch (ioClass) {
    case 'none':
      return [];
    case 'best-effort':
      return [['ionice', '-t', '-c', '2', '-n', '7']];
    case 'idle':
      return [['ionice', '-t', '-c', '3']];
  }
}

function findProgram(name: string, path: string | undefined): string | undefined {
  return (path ?? '')
    .split(delimiter)
    .filter((directory) => directory !== '')
    .map((directory) => join(directory, name))
    .find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    // Not there or not to be run: the next directory may have it.
    return false;
  }
}
