import { readFileSync } from 'node:fs';
import { homedir, hostname } from 'node:os';

/** What Holdfast knows of the process and host it runs on; handed to whatever needs it. */
export interface Environment {
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** Working directory, absolute. */
  readonly cwd: string;
  readonly home: string;
  readonly hostname: string;
  /** Content of /etc/machine-id; undefined where there is none. */
  readonly machineId: string | undefined;
  /** Effective user id. */
  readonly uid: number;
  readonly pid: number;
  /** Milliseconds since the epoch. */
  now(): number;
}

function machineId(): string | undefined {
  try {
    const text = readFileSync('/etc/machine-id', 'utf8').trim();
    return text === '' ? undefined : text;
  } catch {
    // Containers and systems without systemd have none: the identity then rests on the other values.
    return undefined;
  }
}

/** The environment of this process: the only place that reads variables, clock, host name and machine-id. */
export function processEnvironment(): Environment {
  return {
    variables: { ...process.env },
    cwd: process.cwd(),
    home: homedir(),
    hostname: hostname(),
    machineId: machineId(),
    uid: process.geteuid?.() ?? 0,
    pid: process.pid,
    now: () => Date.now(),
  };
}
