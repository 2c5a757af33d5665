import { TokenBucket, unlimited, type BudgetClock } from '../../core/byte-budget';

/** A clock that stands still until everything that can run waits for it. */
class TestClock implements BudgetClock {
  #now = 5_000;
  readonly #waiting: { at: number; wake: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const entry = { at: this.#now + ms, wake: resolve };
      this.#waiting.push(entry);
      signal?.addEventListener('abort', () => {
        this.#waiting.splice(this.#waiting.indexOf(entry), 1);
        reject(new Error('the timer was stopped'));
      });
    });
  }

  /** Lets `ms` milliseconds pass, timer by timer. */
  async pass(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      const next = this.#waiting.toSorted((a, b) => a.at - b.at)[0];
      if (next === undefined || next.at > end) break;
      this.#waiting.splice(this.#waiting.indexOf(next), 1);
      this.#now = next.at;
      next.wake();
    }
    this.#now = end;
  }
}

interface Passed {
  readonly at: number;
  readonly bytes: number;
}

/** Takes pieces one after the other until it is stopped, and notes when they passed. */
async function stream(
  bucket: TokenBucket,
  clock: BudgetClock,
  piece: () => number,
  passed: Passed[],
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const bytes = piece();
    await bucket.take(bytes, signal).catch(() => undefined);
    if (!signal.aborted) passed.push({ at: clock.now(), bytes });
  }
}

/** The most bytes in any second. */
function largestSecond(passed: readonly Passed[]): number {
  const sums = passed.map(({ at }) =>
    passed
      .filter((other) => other.at >= at && other.at < at + 1_000)
      .reduce((sum, { bytes }) => sum + bytes, 0),
  );
  return Math.max(...sums);
}

const total = (passed: readonly Passed[]): number =>
  passed.reduce((sum, { bytes }) => sum + bytes, 0);

const rate = 1_000_000;

it.each([1, 4])('holds the rate within a tenth for %i streams that share it', async (ways) => {
  const clock = new TestClock();
  const bucket = new TokenBucket(rate, clock);
  const stop = new AbortController();
  const passed: Passed[] = [];
  let at = 0;
  const piece = (): number => 10_000 + ((at++ * 7_919) % 90_000);
  const streams = Array.from({ length: ways }, () =>
    stream(bucket, clock, piece, passed, stop.signal),
  );
  await clock.pass(20_000);
  stop.abort(new Error('enough'));
  await Promise.all(streams);
  expect(total(passed)).toBeGreaterThan(rate * 20 * 0.9);
  expect(total(passed)).toBeLessThan(rate * 20 * 1.1);
  expect(largestSecond(passed)).toBeLessThan(rate * 1.25);
});

it('saves up a tenth of a second and no more while nothing passes', async () => {
  const clock = new TestClock();
  const bucket = new TokenBucket(rate, clock);
  await clock.pass(3_600_000);
  const stop = new AbortController();
  const passed: Passed[] = [];
  const one = stream(bucket, clock, () => 10_000, passed, stop.signal);
  await clock.pass(1_000);
  stop.abort(new Error('enough'));
  await one;
  expect(total(passed)).toBeGreaterThan(rate);
  expect(total(passed)).toBeLessThanOrEqual(rate * 1.11);
});

it('lets go of a wait with the reason of its abort, and that wait costs the others nothing', async () => {
  const clock = new TestClock();
  const bucket = new TokenBucket(rate, clock);
  const stop = new AbortController();
  const reason = new Error('cancelled');
  const hour = bucket.take(3_600 * rate, stop.signal);
  stop.abort(reason);
  await expect(hour).rejects.toBe(reason);
  await expect(bucket.take(1, stop.signal)).rejects.toBe(reason);
  let passed = false;
  const next = bucket.take(rate / 2).then(() => (passed = true));
  await clock.pass(499);
  expect(passed).toBe(false);
  await clock.pass(2);
  expect(passed).toBe(true);
  await next;
});

it('charges what cannot wait to those who can, by a second at most', async () => {
  const clock = new TestClock();
  const bucket = new TokenBucket(rate, clock);
  bucket.spend(100 * rate);
  let passed = 0;
  const next = bucket.take(rate / 10).then(() => (passed = clock.now()));
  const begun = clock.now();
  await clock.pass(2_000);
  await next;
  expect(passed - begun).toBeCloseTo(1_100, 6);
});

it('does not hold anything back without a limit', async () => {
  expect(unlimited.bytesPerSecond).toBeUndefined();
  unlimited.spend(Number.MAX_SAFE_INTEGER);
  await expect(unlimited.take(Number.MAX_SAFE_INTEGER)).resolves.toBeUndefined();
});
