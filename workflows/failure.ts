import { ApplicationFailure } from '@temporalio/workflow';
import type { ErrorCode } from '../core/error-table';
import { HoldfastError, type ErrorParams } from '../core/errors';
import type { FailureDetail } from '../core/messages';

/** A workflow's own failure, from the one error table; always final. */
export function failure<C extends ErrorCode>(
  code: C,
  params: ErrorParams<C>,
  cause?: Error,
): ApplicationFailure {
  const error = new HoldfastError<ErrorCode>(code, params as ErrorParams<ErrorCode>);
  const detail: FailureDetail = { v: 1, code, hint: error.hint, exit: error.exit };
  return ApplicationFailure.create({
    type: code,
    message: error.message,
    nonRetryable: true,
    details: [detail],
    ...(cause === undefined ? {} : { cause }),
  });
}
