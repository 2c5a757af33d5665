import { join } from 'node:path';
import { memoryArguments, memoryVariables } from './process-memory';
import type { ProcessEvents } from './supervised-process';
import { SupervisedProcess } from './supervised-process';

/** How the two worker processes are started. */
export interface TwoProcessesOptions {
  /** Configuration file they read. */
  readonly config: string;
  /** Words before the host worker's command (WorkerPriority). */
  readonly hostPrefix: readonly string[];
  /** Their whole environment. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** Where their logs go: this process' own stderr, or a file descriptor. */
  readonly log: 'inherit' | number;
  readonly events: ProcessEvents;
}

/** Milliseconds, longer than the workers' own force times, so that they end by themselves. */
const grace = 30_000;
const restartAfter = 1_000;

/**
 * The workflow worker and the host worker of this host, each in a process of its own: a step that
 * takes all of a process' time can't keep workflows from being worked on, and one that dies takes
 * nothing with it. They end when this process does.
 */
export class TwoProcesses {
  readonly #processes: readonly SupervisedProcess[];

  constructor(options: TwoProcessesOptions) {
    const { config, hostPrefix, variables, log, events } = options;
    const entry = join(__dirname, 'main.js');
    this.#processes = (['workflow', 'host'] as const).map(
      (role) =>
        new SupervisedProcess(
          {
            role,
            command: commandOf(role === 'host' ? hostPrefix : [], [entry, role, config]),
            variables: { ...memoryVariables, ...variables },
            log,
            grace,
            restartAfter,
          },
          events,
        ),
    );
  }

  /**
   * Resolves when both poll their queues.
   * @throws WorkerStartError of the one that could not start; both have ended then.
   */
  async start(): Promise<void> {
    try {
      await Promise.all(this.#processes.map((process) => process.start()));
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Drains and ends both. */
  async stop(): Promise<void> {
    await Promise.all(this.#processes.map((process) => process.stop()));
  }

  /** Ends both at once. */
  kill(): void {
    for (const process of this.#processes) process.kill();
  }
}

function commandOf(
  [first, ...more]: readonly string[],
  args: readonly string[],
): readonly [string, ...string[]] {
  const node = [...memoryArguments, ...args];
  return first === undefined
    ? [process.execPath, ...node]
    : [first, ...more, process.execPath, ...node];
}
