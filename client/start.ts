import { isGrpcServiceError, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorText, HoldfastError } from '../core/errors';
import { messageNames, type Placement, type WorkflowStatus } from '../core/messages';
import { isAlive, pollersOf, type Poller } from '../worker/pollers';
import { registerSearchAttributes } from '../worker/search-attributes';
import type { TemporalSession } from './temporal';

/** A run that was started or attached to. */
export interface StartedRun {
  readonly workflowId: string;
  readonly runId: string;
  /** It ran already: this call only attached to it. */
  readonly attached: boolean;
}

/** What a workflow is started with. */
export interface StartRequest {
  readonly kind: WorkflowStatus['kind'];
  readonly workflowId: string;
  readonly input: { readonly placement: Placement; readonly controller: string };
  /** Machine tag of the host, for messages. */
  readonly machine: string;
  readonly backupId?: string | undefined;
  /** One line for the Web UI. */
  readonly summary: string;
  /** Markdown for the Web UI. */
  readonly details: string;
  /** Start although nobody polls the queues. */
  readonly wait: boolean;
  /** A run of the same type that is open is attached to, instead of refusing. */
  readonly attach: boolean;
}

/** Milliseconds in which workers that are just (re)connecting may show up. */
const pollersWithin = 2_000;
/** gRPC status code INVALID_ARGUMENT. */
const invalidArgument = [3];
const keyword = (name: string) => defineSearchAttributeKey(name, SearchAttributeType.KEYWORD);

/**
 * Starts a workflow under an id that excludes others of its controller.
 * @throws HoldfastError HF-WORKER-001 when nobody polls its queues (nothing was started);
 * HF-LOCK-001 when the id is taken, with the holder's type, since when, and run id.
 */
export async function startWorkflow(
  session: TemporalSession,
  request: StartRequest,
): Promise<StartedRun> {
  if (!request.wait) await requireWorkers(session, request);
  try {
    const runId = await start(session, request);
    return { workflowId: request.workflowId, runId, attached: false };
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    return attachOrRefuse(session, request, error);
  }
}

async function start(session: TemporalSession, request: StartRequest): Promise<string> {
  const { kind, workflowId, input, backupId, summary, details } = request;
  const names = messageNames.searchAttributes;
  const begin = async (): Promise<string> => {
    const handle = await session.client.workflow.start(kind, {
      workflowId,
      taskQueue: input.placement.workflow,
      args: [input],
      workflowIdConflictPolicy: 'FAIL',
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      staticSummary: summary,
      staticDetails: details,
      typedSearchAttributes: [
        { key: keyword(names.controller), value: input.controller },
        ...(backupId === undefined ? [] : [{ key: keyword(names.backupId), value: backupId }]),
      ],
    });
    return handle.firstExecutionRunId;
  };
  try {
    return await begin();
  } catch (error) {
    // On a server that no worker has met yet, the search attributes are unknown.
    if (!isInvalidArgument(error)) throw error;
    const added = await registerSearchAttributes(session.connection, session.namespace);
    if (added.length === 0) throw error;
    return begin();
  }
}

function isInvalidArgument(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const service = isGrpcServiceError(error) ? error : error.cause;
  return isGrpcServiceError(service) && invalidArgument.includes(service.code);
}

async function attachOrRefuse(
  { client }: TemporalSession,
  request: StartRequest,
  cause: unknown,
): Promise<StartedRun> {
  const { workflowId, kind, attach, input } = request;
  const holder = await client.workflow.getHandle(workflowId).describe();
  const { type, runId, startTime } = holder;
  const about = holder.typedSearchAttributes.get(keyword(messageNames.searchAttributes.backupId));
  const same = request.backupId === undefined || request.backupId === about;
  if (attach && type === kind && same) return { workflowId, runId, attached: true };
  throw new HoldfastError(
    'HF-LOCK-001',
    {
      controller: input.controller,
      type: `a ${type}`,
      since: startTime.toISOString(),
      workflowId,
      runId,
    },
    { cause },
  );
}

async function requireWorkers(session: TemporalSession, request: StartRequest): Promise<void> {
  const { placement } = request.input;
  const host = `the host of ${request.machine}`;
  await Promise.all([
    requirePoller(session, placement.workflow, 'workflow', host),
    requirePoller(session, placement.host, 'activity', host),
  ]);
}

async function requirePoller(
  { connection, namespace }: TemporalSession,
  queue: string,
  kind: 'workflow' | 'activity',
  where: string,
): Promise<void> {
  const deadline = performance.now() + pollersWithin;
  for (;;) {
    const pollers = await pollersOf(connection, namespace, queue, kind);
    if (pollers.some((poller) => isAlive(poller, Date.now()))) return;
    if (performance.now() > deadline) {
      throw new HoldfastError('HF-WORKER-001', { queue, last: lastPoll(pollers[0]), where });
    }
    await sleep(200);
  }
}

function lastPoll(poller: Poller | undefined): string {
  if (poller === undefined) return '';
  return ` (last polled ${new Date(poller.lastPoll).toISOString()} by ${poller.identity})`;
}

/** When a queue was polled last, for the line that says why nothing happens. Empty when it can't be told. */
export async function lastPollOf(
  { connection, namespace }: TemporalSession,
  queue: string,
  kind: 'workflow' | 'activity',
): Promise<string> {
  try {
    const [latest] = await pollersOf(connection, namespace, queue, kind);
    return latest === undefined ? ' (nobody has polled it)' : lastPoll(latest);
  } catch (error) {
    return ` (${errorText(error)})`;
  }
}
