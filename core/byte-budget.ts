/** The clock a budget keeps time by; `now` never goes back. */
export interface BudgetClock {
  /** Milliseconds since any moment. */
  now(): number;
  /** Resolves after `ms` milliseconds; rejects when the signal is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Bytes a second that several streams share. */
export interface ByteBudget {
  /** Undefined where there is no limit. */
  readonly bytesPerSecond: number | undefined;
  /** Resolves when `bytes` may pass, in the order of the calls. @throws the signal's reason */
  take(bytes: number, signal?: AbortSignal): Promise<void>;
  /** Charges bytes that pass at once, since they can't wait: others wait the longer, by a second at most. */
  spend(bytes: number): void;
}

/** A budget without a limit. */
export const unlimited: ByteBudget = {
  bytesPerSecond: undefined,
  take: () => Promise.resolve(),
  spend: () => undefined,
};

/** What may be saved up while nothing passes, milliseconds: evens out timers that are late. */
const saved = 100;
/** What `spend` may take from those who wait, milliseconds. */
const mostDebt = 1_000;

/**
 * A token bucket that holds a tenth of a second. What is taken is paid for before it passes, so
 * that in any span of time no more passes than its share, the bucket, and the piece that was taken
 * last. A wait that is aborted costs nothing.
 */
export class TokenBucket implements ByteBudget {
  /** When everything taken so far is paid for. */
  #paid: number;

  /** @param bytesPerSecond above 0 */
  constructor(
    readonly bytesPerSecond: number,
    private readonly clock: BudgetClock,
  ) {
    this.#paid = clock.now();
  }

  async take(bytes: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const now = this.clock.now();
    const cost = this.#cost(bytes);
    this.#paid = Math.max(this.#paid, now - saved) + cost;
    const wait = this.#paid - now;
    if (wait <= 0) return;
    try {
      await this.clock.sleep(wait, signal);
    } catch (error) {
      this.#paid -= cost;
      signal?.throwIfAborted();
      throw error;
    }
  }

  spend(bytes: number): void {
    const now = this.clock.now();
    const start = Math.max(this.#paid, now - saved);
    this.#paid = Math.max(start, Math.min(start + this.#cost(bytes), now + mostDebt));
  }

  #cost(bytes: number): number {
    return (bytes * 1_000) / this.bytesPerSecond;
  }
}
