import { TimeoutType } from '@temporalio/common';
import {
  ActivityCancellationType,
  ActivityFailure,
  scheduleActivity,
  TimeoutFailure,
  workflowInfo,
  type ActivityOptions,
  type ApplicationFailure,
} from '@temporalio/workflow';
import { formatDuration } from '../core/durations';
import { errorTable } from '../core/error-table';
import type { OperationLimits } from '../core/messages';
import { kindText } from '../core/operation';
import type { HostSteps, RunInfo } from '../activities/steps';
import { failure, throwIfCancelled } from './failure';
import type { OperationState } from './operation-state';

/**
 * Each time that nobody took a step, it is left on the queue for twice as long, up to this many
 * milliseconds: a host that is away for a day must not fill the history.
 */
const longestNotice = 3_600_000;

const nonRetryable = Object.entries(errorTable)
  .filter(([, entry]) => !entry.retryable)
  .map(([code]) => code);

export interface StepOptions {
  /** One line for the Web UI. */
  readonly summary: string;
  /** How long one attempt may take, milliseconds. Default: a week, since the heartbeat is the detector. */
  readonly attempt?: number;
  /** How often it may be tried. Default: without limit, since waiting loses nothing. */
  readonly attempts?: number;
}

/**
 * Runs steps on one queue. A host that is away is waited for: `scheduleToStartTimeout` is only the
 * detector, the step is scheduled again until `patience` (milliseconds) has passed.
 */
export class HostRunner {
  readonly #options: ActivityOptions;
  /** No limit from the point of no return on: the host must come back. */
  patience: number | undefined;

  constructor(
    readonly queue: string,
    private readonly limits: OperationLimits,
    private readonly state: OperationState,
  ) {
    this.patience = limits.hostWait;
    this.#options = {
      taskQueue: queue,
      startToCloseTimeout: 7 * 24 * 3_600_000,
      heartbeatTimeout: limits.heartbeatTimeout,
      // Said, because without it scheduleActivity does not wait: the undo would run beside the step.
      cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
      retry: {
        initialInterval: 1_000,
        backoffCoefficient: 2,
        maximumInterval: 30_000,
        nonRetryableErrorTypes: nonRetryable,
      },
    };
  }

  /** @throws ApplicationFailure HF-BACKUP-005 when the host stays away for longer than `patience`. */
  async run<K extends keyof HostSteps>(
    name: K,
    args: Parameters<HostSteps[K]>,
    options: StepOptions,
  ): Promise<Awaited<ReturnType<HostSteps[K]>>> {
    const phase = this.state.phase;
    const since = Date.now();
    let notice = this.limits.hostNotice;
    for (;;) {
      const left =
        this.patience === undefined ? longestNotice : this.patience - (Date.now() - since);
      try {
        const result = await scheduleActivity<Awaited<ReturnType<HostSteps[K]>>>(
          name,
          args,
          this.#optionsOf(options, Math.max(1, Math.min(notice, left))),
        );
        this.state.enter(phase);
        return result;
      } catch (error) {
        // A worker that died can't confirm a cancellation: its timeout does.
        if (timeoutOf(error) !== undefined) throwIfCancelled();
        if (timeoutOf(error) !== TimeoutType.SCHEDULE_TO_START) {
          this.state.failed(error, options.summary);
          throw error;
        }
        this.state.enter('waiting-for-host');
        this.state.waits(awayText(this.queue, since));
        const waited = Date.now() - since;
        if (this.patience !== undefined && waited >= this.patience)
          throw this.#gaveUp(this.patience);
        notice = Math.min(notice * 2, longestNotice);
      }
    }
  }

  #optionsOf(options: StepOptions, scheduleToStartTimeout: number): ActivityOptions {
    return {
      ...this.#options,
      scheduleToStartTimeout,
      summary: options.summary,
      ...(options.attempt === undefined ? {} : { startToCloseTimeout: options.attempt }),
      retry: {
        ...this.#options.retry,
        ...(options.attempts === undefined ? {} : { maximumAttempts: options.attempts }),
      },
    };
  }

  #gaveUp(patience: number): ApplicationFailure {
    return failure('HF-BACKUP-005', {
      host: this.queue,
      time: formatDuration(patience),
      kind: kindText(this.state.kind),
    });
  }
}

function awayText(queue: string, since: number): string {
  const time = new Date(since).toISOString().slice(0, 19).replace('T', ' ');
  return `Nobody has taken the next step from the queue \`${queue}\` since ${time} UTC. **What to do:** start the worker on that host (\`holdfast worker\`); the operation goes on by itself.`;
}

function timeoutOf(error: unknown): TimeoutType | undefined {
  return error instanceof ActivityFailure && error.cause instanceof TimeoutFailure
    ? error.cause.timeoutType
    : undefined;
}

/** The run this workflow is, for the steps that write it down. */
export function runInfo(): RunInfo {
  const { workflowId, runId } = workflowInfo();
  return { v: 1, workflowId, runId };
}
