import { spawn } from 'node:child_process';
import { DiskWatch } from './disk-watch';
import type { Sample } from './figures';
import { processCpu, UsageWatch } from './usage';

/** What is looked at while a contender runs. */
export interface MeterOptions {
  readonly mongodPid: number;
  /** Processes that do the contender's work besides the one that is started for it. */
  readonly pids?: readonly number[];
  /** Where it writes; without, disk is not watched. */
  readonly directories?: readonly string[];
}

/** Measures from `start` to `stop`. */
export class Meter {
  readonly #began = performance.now();
  readonly #server: number;
  readonly #usage: UsageWatch;

  private constructor(
    private readonly options: MeterOptions,
    private readonly disk: DiskWatch | undefined,
  ) {
    this.#server = processCpu(options.mongodPid);
    this.#usage = new UsageWatch(options.pids ?? []);
  }

  static async start(options: MeterOptions): Promise<Meter> {
    const { directories } = options;
    return new Meter(
      options,
      directories === undefined ? undefined : await DiskWatch.start(directories),
    );
  }

  /** A process whose whole time counts. */
  add(pid: number | undefined): void {
    if (pid !== undefined) this.#usage.add(pid);
  }

  async stop(): Promise<Sample> {
    const wall = (performance.now() - this.#began) / 1000;
    const { cpu, rss } = this.#usage.stop();
    const server = processCpu(this.options.mongodPid) - this.#server;
    if (this.disk === undefined) return { wall, cpu, rss, server };
    const { peak, end } = await this.disk.stop();
    return { wall, cpu, rss, server, disk: peak - end, output: end };
  }
}

/** What a command printed, and what it took. */
export interface MeasuredCommand {
  readonly sample: Sample;
  readonly stdout: string;
}

/**
 * Runs a program to its end.
 * @throws Error with the end of what it said when its exit status is not 0.
 */
export async function measureCommand(
  program: string,
  args: readonly string[],
  options: MeterOptions & { readonly env?: Readonly<Record<string, string>> },
): Promise<MeasuredCommand> {
  const meter = await Meter.start(options);
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
  });
  meter.add(child.pid);
  let stdout = '';
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-4_000);
  });
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const sample = await meter.stop();
  if (status !== 0) throw new Error(`${program} ${args[0] ?? ''} ended with ${status}:\n${said}`);
  return { sample, stdout };
}
