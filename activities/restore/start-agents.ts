import { waitUntilAlive } from '../../controller/services';
import type { OperationRef } from '../../core/operation';
import type { ActivityDependencies } from '../dependencies';
import { enterJournaled } from '../operation';
import type { Attempt } from '../step';
import { claimEpoch } from '../workspace/epoch';
import { readStopped, servicesEpoch, servicesOf } from './stop-agents';

const aliveWithin = 120_000;
const stableFor = 1_000;

/**
 * Unmasks and starts the agent and waits until it lives.
 *
 * Side effect: a started service. Idempotency key: the unit. Compensation: undoRestore stops it
 * again. A service that dies at once is retried; the operator sees its code.
 * @returns milliseconds from the stop until it lived again.
 * @throws HoldfastError HF-SERVICE-001, HF-SERVICE-002, HF-FENCE-001
 */
export async function startAgents(
  dependencies: ActivityDependencies,
  attempt: Attempt,
  ref: OperationRef,
): Promise<{ downtime?: number }> {
  const { directory } = await enterJournaled(dependencies, ref);
  const epoch = await claimEpoch(directory, servicesEpoch);
  const { signal, progress } = attempt;
  const stopped = await readStopped(directory);
  if (stopped === undefined) return {};
  const services = servicesOf(dependencies);
  const now = (): number => dependencies.environment.now();
  await epoch.check();
  await services.unmask(stopped.unit, signal);
  await epoch.check();
  await services.start(stopped.unit, signal);
  const started = now();
  await progress.during(
    waitUntilAlive(
      services,
      stopped.unit,
      { timeoutMs: aliveWithin, stableMs: stableFor, pollMs: 100, now },
      signal,
    ),
  );
  // The time it was watched to be sure is not time it was away.
  return { downtime: Math.max(started, now() - stableFor) - stopped.stoppedAt };
}
