import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { isWorkerFailure, WorkerStartError, workerFailure } from './child-messages';
import type { WorkerFailure, WorkerRole } from './child-messages';

/** How a worker process is started and watched. */
export interface ProcessPlan {
  readonly role: WorkerRole;
  /** Program and arguments. */
  readonly command: readonly [string, ...string[]];
  /** Its whole environment. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** Where its log goes: this process' own stderr, or a file descriptor. */
  readonly log: 'inherit' | number;
  /** Milliseconds it has to end after SIGTERM, before SIGKILL. */
  readonly grace: number;
  /** Milliseconds before the first restart; doubled for each further one, up to 30 s. */
  readonly restartAfter: number;
}

/** What happens to a supervised process. */
export interface ProcessEvents {
  ready(role: WorkerRole, queue: string): void;
  /** It ended by itself and is started again after `delay` milliseconds. */
  restarting(role: WorkerRole, how: string, delay: number): void;
}

const longestDelay = 30_000;
/** A process that ran this long has nothing to do with the failures before it, milliseconds. */
const settled = 60_000;

/** A worker process that is started again when it dies, and that dies with this process. */
export class SupervisedProcess {
  #child: ChildProcess | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopping = false;
  #deaths = 0;
  #everReady = false;
  #ended: Promise<void> = Promise.resolve();

  constructor(
    private readonly plan: ProcessPlan,
    private readonly events: ProcessEvents,
  ) {}

  /** Pid of the process that runs now. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /**
   * Resolves when the process has said that it is ready.
   * @throws WorkerStartError when it ends before that; it is not started again then.
   */
  start(): Promise<void> {
    return this.#run();
  }

  /** SIGTERM, and SIGKILL after the grace. Resolves when it has ended; it is not started again. */
  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#timer);
    this.#child?.kill('SIGTERM');
    const force = setTimeout(() => this.kill(), this.plan.grace);
    await this.#ended;
    clearTimeout(force);
  }

  /** SIGKILL now. */
  kill(): void {
    this.#stopping = true;
    this.#child?.kill('SIGKILL');
  }

  #run(): Promise<void> {
    const { command, variables, log, role } = this.plan;
    const [program, ...args] = command;
    const child = spawn(program, args, {
      env: { ...variables },
      stdio: ['ignore', 'pipe', log, 'ipc'],
    });
    this.#child = child;
    const started = performance.now();
    let ready = false;
    let failure: WorkerFailure | undefined;
    child.on('message', (message) => {
      if (isWorkerFailure(message)) failure = message;
    });
    return new Promise((resolve, reject) => {
      if (child.stdout !== null) {
        createInterface({ input: child.stdout }).on('line', (line) => {
          const queue = /^ready (.+)$/.exec(line)?.[1];
          if (queue === undefined || ready) return;
          ready = true;
          this.#everReady = true;
          this.events.ready(role, queue);
          resolve();
        });
      }
      this.#ended = new Promise((done) => {
        const end = (how: string): void => {
          this.#child = undefined;
          if (performance.now() - started > settled) this.#deaths = 0;
          const told = failure ?? workerFailure(new Error(`the ${role} worker ${how}`));
          reject(new WorkerStartError(role, told));
          if (!this.#stopping && this.#everReady) this.#restart(failure?.message ?? how);
          done();
        };
        child.once('error', (error) => {
          // After a successful spawn it only says that a signal or message could not be sent.
          if (child.pid === undefined) end(`cannot be started: ${error.message}`);
        });
        child.once('close', (code, signal) =>
          end(signal === null ? `ended with status ${code ?? '-'}` : `was ended by ${signal}`),
        );
      });
    });
  }

  #restart(how: string): void {
    const delay = Math.min(longestDelay, this.plan.restartAfter * 2 ** this.#deaths);
    this.#deaths += 1;
    this.events.restarting(this.plan.role, how, delay);
    this.#timer = setTimeout(() => {
      // Its end is handled by another restart; the promise only matters to the first start.
      this.#run().catch(() => undefined);
    }, delay);
  }
}
