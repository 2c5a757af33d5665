import { execFileSync, spawn } from 'node:child_process';
import { join } from 'node:path';

const root = join(__dirname, '..', '..');
const main = join(root, 'dist', 'client', 'cli', 'main.js');

/** What a command left behind. */
export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Milliseconds from start to end. */
  readonly took: number;
}

export interface CommandOptions {
  readonly cwd: string;
  readonly variables?: Readonly<Record<string, string>>;
}

/** Builds `dist` when it is missing; a test run builds first. */
export function requireBuild(): void {
  execFileSync(process.execPath, [join(root, 'tools', 'build.mjs'), '--if-missing'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** Starts the built command with an environment of its own, without a terminal. */
export function startCommand(args: readonly string[], options: CommandOptions) {
  return spawn(process.execPath, [main, ...args], {
    cwd: options.cwd,
    env: { PATH: '/usr/bin:/bin', HOME: options.cwd, ...options.variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Runs the built command to its end. */
export async function runCommand(args: readonly string[], options: CommandOptions): Promise<Ended> {
  const began = performance.now();
  const child = startCommand(args, options);
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { status, stdout: stdout(), stderr: stderr(), took: performance.now() - began };
}

/** What a stream has said so far. */
export function collect(stream: NodeJS.ReadableStream): () => string {
  let text = '';
  stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return () => text;
}
