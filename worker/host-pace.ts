import { setTimeout as sleep } from 'node:timers/promises';
import type { HostPace } from '../activities/pace';
import type { LimitsConfig } from '../config/holdfast-config';
import { TokenBucket, unlimited, type BudgetClock, type ByteBudget } from '../core/byte-budget';

/** A clock that no correction of the host's time moves. */
const clock: BudgetClock = {
  now: () => performance.now(),
  sleep: async (ms, signal) => {
    await sleep(ms, undefined, signal === undefined ? {} : { signal });
  },
};

/** A budget of so many bytes a second; without a limit when undefined. */
export function rateBudget(bytesPerSecond: number | undefined): ByteBudget {
  return bytesPerSecond === undefined ? unlimited : new TokenBucket(bytesPerSecond, clock);
}

/** The budgets of a host, as its configuration limits them. */
export function hostPace({ readBytesPerSecond, writeBytesPerSecond }: LimitsConfig): HostPace {
  return { read: rateBudget(readBytesPerSecond), write: rateBudget(writeBytesPerSecond) };
}
