import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';

/** A port that nothing listens on right now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** Path of a server binary from the environment that test/global-setup.cjs fills. */
export function binary(variable: string): string {
  const path = process.env[variable];
  if (path === undefined) throw new Error(`${variable} is not set`);
  return path;
}

/** One mongod process that can be killed and started again on the same files. */
export class Mongod {
  #child: ChildProcess | undefined;
  readonly #path: string;
  readonly #arguments: readonly string[];
  readonly #atExit = (): void => void this.#child?.kill('SIGKILL');

  constructor(path: string, args: readonly string[]) {
    this.#path = path;
    this.#arguments = args;
    process.on('exit', this.#atExit);
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Resolves when mongod accepts connections. */
  async start(): Promise<void> {
    const child = spawn(this.#path, this.#arguments, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    const last: string[] = [];
    const remember = (line: string): void => {
      last.push(line);
      if (last.length > 40) last.shift();
    };
    createInterface({ input: child.stderr }).on('line', remember);
    const lines = createInterface({ input: child.stdout });
    await new Promise<void>((resolve, reject) => {
      lines.on('line', (line) => {
        remember(line);
        if (line.includes('"Waiting for connections"')) resolve();
      });
      child.once('error', reject);
      child.once('exit', (code, signal) =>
        reject(new Error(`mongod ended (${code ?? signal}):\n${last.join('\n')}`)),
      );
    });
  }

  /** Sends a signal and waits for the process's end. */
  async kill(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }

  async stop(): Promise<void> {
    await this.kill('SIGKILL');
    process.off('exit', this.#atExit);
  }
}
