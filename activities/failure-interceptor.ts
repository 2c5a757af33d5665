import type { Context } from '@temporalio/activity';
import { ApplicationFailure, TemporalFailure } from '@temporalio/common';
import type {
  ActivityExecuteInput,
  ActivityInboundCallsInterceptor,
  ActivityInterceptors,
  Next,
} from '@temporalio/worker';
import { HoldfastError, errorText, isHoldfastError } from '../core/errors';
import type { FailureDetail } from '../core/messages';
import { trimStacks } from './stack-paths';

/** Turns whatever a step throws into an ApplicationFailure of the error table. */
export function toApplicationFailure(error: unknown): ApplicationFailure {
  const known = isHoldfastError(error)
    ? error
    : new HoldfastError('HF-INTERNAL-001', { reason: errorText(error) }, { cause: error });
  const detail: FailureDetail = {
    v: 1,
    code: known.code,
    hint: known.hint,
    exit: known.exit,
  };
  const failure = ApplicationFailure.create({
    type: known.code,
    message: known.message,
    nonRetryable: !known.retryable,
    details: [detail],
    ...(known.cause instanceof Error ? { cause: known.cause } : {}),
  });
  // Where it was thrown, not where it was turned into a failure.
  return Object.assign(failure, { stack: known.stack });
}

class FailureInterceptor implements ActivityInboundCallsInterceptor {
  constructor(private readonly context: Context) {}

  async execute(
    input: ActivityExecuteInput,
    next: Next<ActivityInboundCallsInterceptor, 'execute'>,
  ): Promise<unknown> {
    try {
      return await next(input);
    } catch (error) {
      // A pause, reset or shutdown must reach the server as what it is: Node's AbortError would be
      // sent as a cancellation that nobody asked for.
      this.context.cancellationSignal.throwIfAborted();
      const failure = error instanceof TemporalFailure ? error : toApplicationFailure(error);
      // What the table knows is told by code and hint, which must not drown; a defect needs all there is.
      trimStacks(failure, isHoldfastError(error) ? 'messages' : 'stacks');
      throw failure;
    }
  }
}

/** The one place where HoldfastError becomes a failure of Temporal's. */
export function failureInterceptor(context: Context): ActivityInterceptors {
  return { inbound: new FailureInterceptor(context) };
}
