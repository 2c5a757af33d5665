import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { stepPace } from '../../activities/pace';
import { Progress } from '../../activities/progress';
import type { Attempt } from '../../activities/step';
import type { Environment } from '../../config/environment';
import type { HoldfastConfig } from '../../config/holdfast-config';
import type { ProgressUnit } from '../../core/messages';
import { hostPace } from '../../worker/host-pace';

/** Notes when a step's phases begin. */
class PhaseClock extends Progress {
  /** Name and milliseconds of the process's clock. */
  readonly phases: { readonly name: string; readonly at: number }[] = [];

  override phase(phase: string, unit: ProgressUnit, total?: number): void {
    this.phases.push({ name: phase, at: performance.now() });
    super.phase(phase, unit, total);
  }
}

/** An attempt that beats to nobody. */
export interface BenchAttempt extends Attempt {
  readonly progress: PhaseClock;
}

/** An attempt of a run that no Temporal knows; its client connects only when a leftover is met. */
export function benchAttempt(config: HoldfastConfig, environment: Environment): BenchAttempt {
  const connection = Connection.lazy({ address: config.temporal.address });
  const { signal } = new AbortController();
  const progress = new PhaseClock(
    { heartbeat: () => undefined, interval: 1_000, now: () => environment.now() },
    '',
    'bytes',
  );
  return {
    signal,
    progress,
    pace: stepPace(hostPace(config.limits), progress, signal),
    client: new Client({ connection }),
    runId: randomUUID(),
    requireWanted: () => Promise.resolve(),
    warn: (message) => void process.stderr.write(`${message}\n`),
  };
}
