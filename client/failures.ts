import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  TerminatedFailure,
  TimeoutFailure,
  TimeoutType,
} from '@temporalio/common';
import { errorTable, type ErrorCode } from '../core/error-table';
import { errorText, HoldfastError, isHoldfastError } from '../core/errors';
import type { FailureDetail, WorkflowStatus } from '../core/messages';
import { kindText } from '../core/operation';

/** What a failed operation is known by. */
export interface FailureText {
  readonly code: string;
  readonly message: string;
  /** Its hint as the process that failed filled it in. */
  readonly hint?: string | undefined;
}

/** Whether a text is a code of the error table. */
export function isErrorCode(text: string | null | undefined): text is ErrorCode {
  return typeof text === 'string' && Object.hasOwn(errorTable, text);
}

/**
 * The HoldfastError that another process raised: exit status and hint are those of the table,
 * message (and hint, when it was sent) those of the other process, whose values are filled in.
 */
export function reportedError(text: FailureText, cause?: unknown): HoldfastError {
  const { code, message, hint } = text;
  if (!isErrorCode(code)) {
    return new HoldfastError('HF-INTERNAL-001', { reason: message }, { cause });
  }
  const { exit, retryable, hint: template } = errorTable[code];
  const error = new HoldfastError('HF-INTERNAL-001', { reason: message }, { cause });
  // The templates can't be filled in again without the values, which don't travel.
  return Object.assign<HoldfastError, object>(error, {
    code,
    message,
    exit,
    retryable,
    hint: hint ?? template,
    params: {},
  });
}

/**
 * Why an operation ended without a result: the HoldfastError its failure carries, or, for a
 * cancelled, terminated or unknown end, one that says so.
 */
export function operationError(error: unknown, kind: WorkflowStatus['kind']): HoldfastError {
  const chain = causes(error);
  for (const cause of chain) {
    if (isHoldfastError(cause)) return cause;
    if (cause instanceof ApplicationFailure && isErrorCode(cause.type)) {
      const hint = hintOf(cause.details?.[0]);
      return reportedError({ code: cause.type, message: cause.message, hint }, error);
    }
  }
  if (chain.some((cause) => cause instanceof CancelledFailure)) {
    return new HoldfastError(
      'HF-CANCEL-001',
      { kind: kindText(kind), outcome: 'what it had begun was undone' },
      { cause: error },
    );
  }
  if (chain.some((cause) => cause instanceof TerminatedFailure)) {
    const outcome = 'its run was terminated, and what it had begun is undone by the next operation';
    return new HoldfastError('HF-CANCEL-001', { kind: kindText(kind), outcome }, { cause: error });
  }
  const timeout = chain.find((cause) => cause instanceof TimeoutFailure);
  const step = chain.find((cause) => cause instanceof ActivityFailure);
  if (timeout !== undefined && step !== undefined) {
    return lostAttempt(step.activityType, timeout.timeoutType === TimeoutType.HEARTBEAT, error);
  }
  const reason = errorText(timeout ?? chain.at(-1) ?? error);
  return new HoldfastError('HF-INTERNAL-001', { reason }, { cause: error });
}

/** HF-WORKER-002, of an attempt whose worker never said how it went. */
export function lostAttempt(
  step: string,
  silent: boolean,
  cause?: unknown,
): HoldfastError<'HF-WORKER-002'> {
  const reason = silent ? 'its worker gave no sign of life' : 'it did not end within its time';
  return new HoldfastError('HF-WORKER-002', { step, reason }, { cause });
}

/** An error and what caused it, outermost first. */
function causes(error: unknown): unknown[] {
  const chain: unknown[] = [];
  let next = error;
  while (next !== undefined && next !== null && !chain.includes(next)) {
    chain.push(next);
    next = typeof next === 'object' && 'cause' in next ? next.cause : undefined;
  }
  return chain;
}

function hintOf(detail: unknown): string | undefined {
  return isFailureDetail(detail) ? detail.hint : undefined;
}

function isFailureDetail(value: unknown): value is FailureDetail {
  return (
    typeof value === 'object' && value !== null && 'hint' in value && typeof value.hint === 'string'
  );
}
