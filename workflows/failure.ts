import { ApplicationFailure, CancellationScope, CancelledFailure } from '@temporalio/workflow';
import type { ErrorCode } from '../core/error-table';
import { describeError, type ErrorParams } from '../core/errors';
import type { FailureDetail } from '../core/messages';

/** A workflow's own failure, from the one error table; always final. */
export function failure<C extends ErrorCode>(
  code: C,
  params: ErrorParams<C>,
  cause?: Error,
): ApplicationFailure {
  const error = describeError(code, { ...params });
  const detail: FailureDetail = { v: 1, code, hint: error.hint, exit: error.exit };
  return ApplicationFailure.create({
    type: code,
    message: error.message,
    nonRetryable: true,
    details: [detail],
    ...(cause === undefined ? {} : { cause }),
  });
}

/**
 * Asked before a shielded part begins: a step that ended well although it was asked to stop would
 * otherwise carry a cancelled operation into it.
 * @throws CancelledFailure when the workflow has been cancelled.
 */
export function throwIfCancelled(): void {
  if (CancellationScope.current().consideredCancelled) {
    throw new CancelledFailure('cancelled before the next step');
  }
}

/** What a cancelled operation says of what it had begun. */
export function undoneText(complete: boolean): string {
  return complete
    ? 'what it had begun was undone'
    : 'what it had begun is undone by the next operation on the host';
}
