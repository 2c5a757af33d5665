import type { HeartbeatDetail, ProgressUnit } from '../core/messages';

export interface Beat {
  heartbeat(detail: HeartbeatDetail): void;
  /** Milliseconds between beats. */
  readonly interval: number;
  /** Milliseconds since the epoch. */
  now(): number;
}

/**
 * Tells how far a step is. Beats go out by a timer, and only while work advances: a step that
 * hangs stops beating, so that Temporal tries it again. It is for people, never state to resume from.
 */
export class Progress {
  #detail: HeartbeatDetail;
  #advanced = true;
  #awaiting = 0;
  #rateFrom: { at: number; done: number };
  readonly #timer: NodeJS.Timeout;

  constructor(
    private readonly beat: Beat,
    phase: string,
    unit: ProgressUnit,
  ) {
    const at = beat.now();
    this.#detail = { v: 1, phase, done: 0, unit, rate: 0, at };
    this.#rateFrom = { at, done: 0 };
    this.#timer = setInterval(() => this.#tick(), beat.interval);
    this.#tick();
  }

  /** Starts counting a phase of its own inside the step. */
  phase(phase: string, unit: ProgressUnit, total?: number): void {
    const at = this.beat.now();
    this.#detail = {
      v: 1,
      phase,
      done: 0,
      unit,
      rate: 0,
      at,
      ...(total === undefined ? {} : { total }),
    };
    this.#rateFrom = { at, done: 0 };
    this.#advanced = true;
  }

  /** `done` of the phase's unit are done; `current` names what is being worked on. */
  advance(done: number, current?: string, documents?: number): void {
    this.#advanced = true;
    const { current: _, documents: __, ...rest } = this.#detail;
    this.#detail = {
      ...rest,
      done,
      ...(documents === undefined ? {} : { documents }),
      ...(current === undefined ? {} : { current }),
    };
  }

  add(amount: number, current?: string): void {
    this.advance(this.#detail.done + amount, current ?? this.#detail.current);
  }

  expect(total: number): void {
    this.#detail = { ...this.#detail, total };
  }

  /** Counts as alive while `work` is pending: for one long call of a server that has its own deadline. */
  async during<T>(work: Promise<T>): Promise<T> {
    this.#awaiting += 1;
    try {
      return await work;
    } finally {
      this.#awaiting -= 1;
      this.#advanced = true;
    }
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    if (!this.#advanced && this.#awaiting === 0) return;
    this.#advanced = false;
    const at = this.beat.now();
    const seconds = (at - this.#rateFrom.at) / 1000;
    const rate = seconds > 0 ? (this.#detail.done - this.#rateFrom.done) / seconds : 0;
    this.beat.heartbeat({ ...this.#detail, rate: Math.round(rate), at });
  }
}
