import { randomUUID } from 'node:crypto';
import {
  isGrpcServiceError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import { HoldfastError } from '../core/errors';
import { messageNames, type CancelAnswer, type CancelRequest } from '../core/messages';
import { operationError } from './failures';
import type { StatusRequest } from './status';
import { lastPollOf } from './start';
import type { TemporalSession } from './temporal';

/** Seconds a worker has to answer; one that polls answers at once. */
const answerWithin = 10;
/** gRPC status code DEADLINE_EXCEEDED. */
const deadlineExceeded = [4];

/**
 * Sends the update `cancel` to a run.
 * @returns undefined when the run has ended.
 * @throws HoldfastError the workflow's own refusal; HF-JOB-002 when no worker answers.
 */
export async function askToCancel(
  session: TemporalSession,
  run: StatusRequest,
  queue: string,
  request: CancelRequest,
): Promise<CancelAnswer | undefined> {
  const { client } = session;
  const handle = client.workflow.getHandle(run.workflowId, run.runId);
  const args: [CancelRequest] = [request];
  try {
    return await client.withDeadline(Date.now() + answerWithin * 1_000, () =>
      handle.executeUpdate<CancelAnswer, [CancelRequest]>(messageNames.cancel, {
        args,
        updateId: `cancel-${randomUUID()}`,
      }),
    );
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    if (error instanceof WorkflowUpdateFailedError) throw operationError(error, run.kind);
    if (!isTimeout(error)) throw error;
    const last = await lastPollOf(session, queue, 'workflow');
    throw new HoldfastError('HF-JOB-002', { queue, last, seconds: answerWithin }, { cause: error });
  }
}

function isTimeout(error: unknown): boolean {
  if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) return true;
  return isGrpcServiceError(error) && deadlineExceeded.includes(error.code);
}
