import type { FailureDetail } from '../core/messages';
import { errorText, isHoldfastError } from '../core/errors';

/** Which of the two worker processes of a host. */
export type WorkerRole = 'workflow' | 'host';

/** What a worker process tells the process that started it, over IPC, when it can't go on. */
export interface WorkerFailure extends FailureDetail {
  readonly type: 'failed';
  readonly message: string;
}

/** Any error as the message that tells it. */
export function workerFailure(error: unknown): WorkerFailure {
  if (isHoldfastError(error)) {
    const { code, hint, exit, message } = error;
    return { type: 'failed', v: 1, code, hint, exit, message };
  }
  const message = `unexpected: ${errorText(error)}`;
  const hint = 'This is a defect of Holdfast: please report it with the log of the worker.';
  return { type: 'failed', v: 1, code: 'HF-INTERNAL-001', hint, exit: 1, message };
}

/** Whether a message from a child is a WorkerFailure. */
export function isWorkerFailure(message: unknown): message is WorkerFailure {
  return (
    typeof message === 'object' &&
    message !== null &&
    'type' in message &&
    message.type === 'failed' &&
    'code' in message &&
    'message' in message
  );
}

/** A worker process ended before it was ready. */
export class WorkerStartError extends Error {
  override readonly name = 'WorkerStartError';

  constructor(
    readonly role: WorkerRole,
    readonly failure: WorkerFailure,
  ) {
    super(failure.message);
  }
}
