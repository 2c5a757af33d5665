import { spawn, type ChildProcess } from 'node:child_process';
import { openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** A program that runs beside the quickstart, in a session of its own, its output in files. */
export interface Background {
  readonly name: string;
  readonly pid: number;
  /** The first line it wrote to stdout: it is ready. */
  readonly ready: string;
  /** SIGTERM to the program, then waits until it has ended. */
  stop(): Promise<void>;
}

/** A port nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.on('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** Starts a Node.js program and waits for its first line; its log is shown when it ends before that. */
export async function startBackground(
  name: string,
  args: readonly string[],
  options: { readonly logs: string; readonly env: NodeJS.ProcessEnv },
): Promise<Background> {
  const out = join(options.logs, `${name}.out`);
  const log = join(options.logs, `${name}.log`);
  const child = spawn(process.execPath, [...args], {
    detached: true,
    stdio: ['ignore', openSync(out, 'w', 0o600), openSync(log, 'w', 0o600)],
    env: options.env,
  });
  const ended = new Promise<void>((resolve) => child.on('exit', () => resolve()));
  child.unref();
  for (;;) {
    const [ready] = (await readFile(out, 'utf8')).split('\n', 2).slice(0, -1);
    if (ready !== undefined && child.pid !== undefined) {
      const { pid } = child;
      return { name, pid, ready, stop: () => stopChild(child, ended) };
    }
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new Error(`${name} did not start:\n${await readFile(log, 'utf8')}`);
    }
    await delay(50);
  }
}

async function stopChild(child: ChildProcess, ended: Promise<void>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  // Unreferenced, it would not keep this process alive, and the rest would be left running.
  child.ref();
  child.kill('SIGTERM');
  await ended;
}

/** What a command printed on stdout, which was also shown. */
export interface Shown {
  readonly stdout: string;
  readonly status: number;
}

/** Runs `holdfast` as a user would, showing the command and all it prints. */
export async function holdfast(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  show: (text: string) => void,
): Promise<Shown> {
  show(`\n$ holdfast ${args.map(quoted).join(' ')}\n`);
  const main = join(__dirname, '../../client/cli/main.js');
  const child = spawn(process.execPath, [main, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env,
  });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    show(text);
  });
  const status = await new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  });
  return { stdout, status };
}

function quoted(argument: string): string {
  return /^[\w./:=@-]+$/.test(argument) ? argument : `"${argument}"`;
}
