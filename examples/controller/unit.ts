import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import type { UnitDefinition } from './supervisor-config';

/** Delays between two starts, as systemd has them with RestartSec and growing steps, milliseconds. */
const firstDelayMs = 300;
const longestDelayMs = 2000;
/** A process that lived this long starts the delays over, milliseconds. */
const settledMs = 5000;
/** Between SIGTERM and SIGKILL, milliseconds. */
const patienceMs = 20_000;

/** A service: started again whenever it ends (`Restart=always`), until it is stopped or masked. */
export class Unit {
  readonly #definition: UnitDefinition;
  readonly #changed: (pid: number, running: boolean) => void;
  #child: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  #restart: NodeJS.Timeout | undefined;
  #delayMs = firstDelayMs;
  #wanted = false;
  #masked: boolean;

  /** @param changed is told of every process that begins or has ended. */
  constructor(
    definition: UnitDefinition,
    masked: boolean,
    changed: (pid: number, running: boolean) => void,
  ) {
    this.#definition = definition;
    this.#masked = masked;
    this.#changed = changed;
  }

  get enabled(): boolean {
    return this.#definition.enabled;
  }

  get masked(): boolean {
    return this.#masked;
  }

  set masked(masked: boolean) {
    this.#masked = masked;
  }

  /** A unit that waits for its next start is active too, without a pid: systemd's `auto-restart`. */
  state(): { active: boolean; masked: boolean; pid?: number } {
    const pid = this.#child?.pid;
    return {
      active: this.#child !== undefined || this.#restart !== undefined,
      masked: this.#masked,
      ...(pid === undefined ? {} : { pid }),
    };
  }

  start(): void {
    this.#wanted = true;
    if (this.#child !== undefined) return;
    this.#delayMs = firstDelayMs;
    this.#spawn();
  }

  /** Resolves when its process is gone. */
  async stop(): Promise<void> {
    this.#wanted = false;
    clearTimeout(this.#restart);
    this.#restart = undefined;
    const child = this.#child;
    if (child === undefined) return;
    child.kill('SIGTERM');
    const impatient = setTimeout(() => child.kill('SIGKILL'), patienceMs);
    await this.#ended;
    clearTimeout(impatient);
  }

  #spawn(): void {
    clearTimeout(this.#restart);
    this.#restart = undefined;
    const { program, args, log } = this.#definition;
    const output = openSync(log, 'a', 0o600);
    const began = performance.now();
    const child = spawn(program, [...args], {
      stdio: ['ignore', output, output],
      // Its own group: Ctrl-C in a terminal is for the supervisor, which stops its units in order.
      detached: true,
    });
    closeSync(output);
    this.#child = child;
    const { pid } = child;
    if (pid !== undefined) this.#changed(pid, true);
    this.#ended = new Promise((resolve) => {
      const ended = (): void => {
        if (this.#child !== child) return;
        this.#child = undefined;
        if (pid !== undefined) this.#changed(pid, false);
        resolve();
        if (performance.now() - began >= settledMs) this.#delayMs = firstDelayMs;
        if (this.#wanted) this.#restartLater();
      };
      child.once('exit', ended);
      child.once('error', ended);
    });
  }

  #restartLater(): void {
    this.#restart = setTimeout(() => {
      this.#restart = undefined;
      if (!this.#masked) this.#spawn();
    }, this.#delayMs);
    this.#delayMs = Math.min(longestDelayMs, this.#delayMs * 1.6);
  }
}
