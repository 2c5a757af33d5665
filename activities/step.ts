import { setMaxListeners } from 'node:events';
import { Context } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import type { ProgressUnit } from '../core/messages';
import { errorText, isHoldfastError } from '../core/errors';
import type { ActivityDependencies, StepEvent } from './dependencies';
import { orFullDisk } from './full-disk';
import { refuseLateAttempt } from './late-attempt';
import { stepPace, type StepPace } from './pace';
import { Progress } from './progress';

/** What one attempt of a step works with, besides its arguments. */
export interface Attempt {
  /** Aborted by a cancel, a timeout, a pause or the worker's shutdown. */
  readonly signal: AbortSignal;
  readonly progress: Progress;
  /** What may be read and written in a second. */
  readonly pace: StepPace;
  readonly client: Client;
  /** The run of the workflow that asked for this step. */
  readonly runId: string;
  /**
   * Asks Temporal whether it still waits for this attempt: right before what would begin an operation
   * anew when it is over.
   * @throws HoldfastError HF-FENCE-001
   */
  requireWanted(): Promise<void>;
  warn(message: string, fields?: Record<string, unknown>): void;
}

/** A step before it is bound to Temporal. */
export type StepBody<A extends unknown[], R> = (attempt: Attempt, ...args: A) => Promise<R>;

/**
 * Binds a step to Temporal: it beats while it advances, and an abort surfaces as the abort it was,
 * before anything that it made fail.
 */
export function bindStep<A extends unknown[], R>(
  dependencies: ActivityDependencies,
  phase: string,
  unit: ProgressUnit,
  body: StepBody<A, R>,
): (...args: A) => Promise<R> {
  return async (...args) => {
    const context = Context.current();
    const signal = context.cancellationSignal;
    signal.throwIfAborted();
    const now = (): number => dependencies.environment.now();
    await requireWanted(context, now);
    // A step waits for many things at once, each with its own listener on this one signal.
    setMaxListeners(0, signal);
    const timeout = context.info.heartbeatTimeoutMs ?? 30_000;
    const progress = new Progress(
      {
        heartbeat: (detail) => context.heartbeat(detail),
        interval: Math.max(200, timeout / 4),
        now: () => dependencies.environment.now(),
      },
      phase,
      unit,
    );
    const { log } = context;
    const attempt: Attempt = {
      signal,
      progress,
      pace: stepPace(dependencies.pace, progress, signal),
      client: context.client,
      runId: context.info.workflowExecution?.runId ?? '',
      requireWanted: () => requireWanted(context, now),
      warn: (message, fields) => void log.warn(message, fields),
    };
    const { info } = context;
    const record = (event: StepEvent['event'], more: Partial<StepEvent> = {}): void =>
      dependencies.record?.({
        event,
        operation: info.workflowExecution?.workflowId ?? '',
        run: attempt.runId,
        phase,
        step: info.activityType,
        attempt: info.attempt,
        ...more,
      });
    record('began');
    try {
      const result = await body(attempt, ...args);
      record('ended');
      return result;
    } catch (thrown) {
      const { workspace } = dependencies.config;
      const error = await orFullDisk(thrown, info.activityType, workspace);
      const code = signal.aborted ? 'cancelled' : isHoldfastError(error) ? error.code : undefined;
      record('failed', { code: code ?? 'HF-INTERNAL-001', reason: errorText(error) });
      signal.throwIfAborted();
      throw error;
    } finally {
      progress.stop();
    }
  };
}

async function requireWanted(context: Context, now: () => number): Promise<void> {
  const { info, client, cancellationSignal } = context;
  const { workflowExecution: run } = info;
  if (run === undefined) return;
  const soon = (info.heartbeatTimeoutMs ?? 30_000) / 2;
  for (;;) {
    const asked = now();
    const { raw } = await client.workflow.getHandle(run.workflowId, run.runId).describe();
    refuseLateAttempt(info, raw.pendingActivities ?? []);
    // An answer that a stopped process finds when it goes on says what was true before it slept.
    if (now() - asked < soon) return;
    cancellationSignal.throwIfAborted();
  }
}
