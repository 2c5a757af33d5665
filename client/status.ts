import type {
  Client,
  WorkflowExecutionDescription,
  WorkflowExecutionInfo,
  WorkflowExecutionStatusName,
} from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { decodeArrayFromPayloads } from '@temporalio/common/lib/internal-non-workflow';
import {
  messageNames,
  type BackupReport,
  type CopyReport,
  type HeartbeatDetail,
  type PreflightReport,
  type PruneReport,
  type RestoreCollectionsReport,
  type RestoreReport,
  type VerifyAllReport,
  type VerifyReport,
  type WorkflowStatus,
} from '../core/messages';
import { isErrorCode, lostAttempt, operationError } from './failures';
import { phaseOfStep } from './step-phase';

/** Result of an operation. */
export type Report =
  | BackupReport
  | CopyReport
  | PruneReport
  | RestoreCollectionsReport
  | RestoreReport
  | VerifyAllReport
  | VerifyReport;

/** The step an operation is at, as the server knows it. */
export interface PendingStep {
  /** Name of the activity. */
  readonly type: string;
  readonly state: 'scheduled' | 'started' | 'cancelling';
  readonly attempt: number;
  /** When this attempt began, milliseconds since the epoch; absent before it did. */
  readonly lastStarted?: number;
  readonly heartbeat?: HeartbeatDetail;
  /** Why the attempt before this one failed. */
  readonly lastFailure?: { readonly code: string; readonly message: string };
}

/** Everything that can be told of an operation now. */
export interface Status {
  readonly v: 1;
  readonly kind: WorkflowStatus['kind'];
  readonly workflowId: string;
  readonly runId: string;
  readonly state: 'running' | 'completed' | 'failed' | 'cancelled' | 'terminated' | 'timed-out';
  /** Milliseconds since the epoch. */
  readonly started: number;
  readonly closed?: number;
  /** Absent until a worker has taken the workflow up. */
  readonly phase?: string;
  readonly outcome?: string;
  readonly backupId?: string;
  readonly step?: PendingStep;
  /** Only when a worker answered the query. */
  readonly preflight?: PreflightReport;
  readonly pastNoReturn?: boolean;
  readonly result?: Report;
  readonly failure?: {
    readonly code: string;
    readonly message: string;
    readonly hint: string;
    readonly exit: number;
  };
}

/** Which run, and whether to ask the workers too. */
export interface StatusRequest {
  readonly workflowId: string;
  readonly runId: string;
  readonly kind: WorkflowStatus['kind'];
  /** Also send the query `status`, which waits up to 2 s where no worker polls. Default true. */
  readonly query?: boolean;
}

const queryWithin = 2_000;
const keyword = (name: string) => defineSearchAttributeKey(name, SearchAttributeType.KEYWORD);
const attributes = {
  phase: keyword(messageNames.searchAttributes.phase),
  outcome: keyword(messageNames.searchAttributes.outcome),
  backupId: keyword(messageNames.searchAttributes.backupId),
};

/**
 * The one place where an operation's status is put together: from Describe, from the query when a
 * worker answers it within 2 s, and from the result when the workflow is closed.
 */
export async function readStatus(client: Client, request: StatusRequest): Promise<Status> {
  const { workflowId, runId, kind } = request;
  const handle = client.workflow.getHandle(workflowId, runId);
  const description = await handle.describe();
  const state = stateOf(description.status.name);
  const running = state === 'running';
  const [answer, step, end] = await Promise.all([
    running && request.query !== false ? query(client, workflowId, runId) : undefined,
    pendingStep(client, description),
    running ? {} : ending(client, request),
  ]);
  const known = knownOf(description, kind);
  const phase = phaseNow(known.phase ?? answer?.phase, step);
  const backupId = known.backupId ?? answer?.backupId;
  return {
    ...known,
    ...(phase === undefined ? {} : { phase }),
    ...(backupId === undefined ? {} : { backupId }),
    ...(step === undefined ? {} : { step }),
    ...(answer?.preflight === undefined ? {} : { preflight: answer.preflight }),
    ...(answer === undefined ? {} : { pastNoReturn: answer.pastNoReturn }),
    ...end,
  };
}

/** A workflow that waited for its host learns only by the step's end that a host has come. */
function phaseNow(phase: string | undefined, step: PendingStep | undefined): string | undefined {
  if (phase !== 'waiting-for-host' || step?.state !== 'started') return phase;
  return phaseOfStep(step.type) ?? phase;
}

/** The part of a status that the server's listing holds already. */
function knownOf(
  info: Omit<WorkflowExecutionInfo, 'raw'>,
  kind: WorkflowStatus['kind'],
): Omit<Status, 'step' | 'preflight' | 'pastNoReturn' | 'result' | 'failure'> {
  const searched = info.typedSearchAttributes;
  const phase = searched.get(attributes.phase);
  const outcome = searched.get(attributes.outcome);
  const backupId = searched.get(attributes.backupId);
  return {
    v: 1,
    kind,
    workflowId: info.workflowId,
    runId: info.runId,
    state: stateOf(info.status.name),
    started: info.startTime.getTime(),
    ...(info.closeTime === undefined ? {} : { closed: info.closeTime.getTime() }),
    ...(phase === undefined ? {} : { phase }),
    ...(outcome === undefined ? {} : { outcome }),
    ...(backupId === undefined ? {} : { backupId }),
  };
}

function stateOf(name: WorkflowExecutionStatusName): Status['state'] {
  switch (name) {
    case 'COMPLETED':
      return 'completed';
    case 'CANCELLED':
      return 'cancelled';
    case 'TERMINATED':
      return 'terminated';
    case 'TIMED_OUT':
      return 'timed-out';
    case 'FAILED':
      return 'failed';
    case 'RUNNING':
    case 'CONTINUED_AS_NEW':
    case 'PAUSED':
    case 'UNSPECIFIED':
    case 'UNKNOWN':
      return 'running';
    default:
      throw new TypeError(`workflow status ${String(name satisfies never)}`);
  }
}

async function query(
  client: Client,
  workflowId: string,
  runId: string,
): Promise<WorkflowStatus | undefined> {
  const handle = client.workflow.getHandle(workflowId, runId);
  try {
    return await client.withDeadline(Date.now() + queryWithin, () =>
      handle.query<WorkflowStatus>(messageNames.status),
    );
  } catch {
    // No worker answers now, or the workflow closed meanwhile: the rest of the status stands.
    return undefined;
  }
}

async function ending(
  client: Client,
  { workflowId, runId, kind }: StatusRequest,
): Promise<Pick<Status, 'result' | 'failure'>> {
  try {
    const handle = client.workflow.getHandle<() => Promise<Report>>(workflowId, runId, {
      followRuns: false,
    });
    return { result: await handle.result() };
  } catch (error) {
    const { code, message, hint, exit } = operationError(error, kind);
    return { failure: { code, message, hint, exit } };
  }
}

/** temporal.api.enums.v1.TimeoutType */
const heartbeatTimeout = 4;

/** temporal.api.enums.v1.PendingActivityState */
const stepStates: Readonly<Record<number, PendingStep['state']>> = {
  1: 'scheduled',
  2: 'started',
  3: 'cancelling',
};

async function pendingStep(
  client: Client,
  { raw }: WorkflowExecutionDescription,
): Promise<PendingStep | undefined> {
  const all = raw.pendingActivities ?? [];
  const pending = all.find(({ state }) => stepStates[Number(state)] === 'started') ?? all.at(-1);
  if (pending === undefined) return undefined;
  const { activityType, attempt, lastStartedTime, heartbeatDetails, lastFailure, state } = pending;
  const [heartbeat] = await decodeArrayFromPayloads(
    client.options.loadedDataConverter,
    heartbeatDetails?.payloads,
  );
  const type = activityType?.name ?? '';
  return {
    type,
    state: stepStates[Number(state)] ?? 'scheduled',
    attempt: attempt ?? 1,
    ...(lastStartedTime === undefined || lastStartedTime === null
      ? {}
      : { lastStarted: Number(lastStartedTime.seconds ?? 0) * 1_000 }),
    ...(isHeartbeat(heartbeat) ? { heartbeat } : {}),
    ...(lastFailure === undefined || lastFailure === null
      ? {}
      : { lastFailure: failureOf(type, lastFailure) }),
  };
}

type SentFailure = NonNullable<
  NonNullable<WorkflowExecutionDescription['raw']['pendingActivities']>[number]['lastFailure']
>;

function failureOf(
  step: string,
  { applicationFailureInfo, cause, timeoutFailureInfo, message }: SentFailure,
): NonNullable<PendingStep['lastFailure']> {
  const timeout: number | null | undefined = timeoutFailureInfo?.timeoutType;
  if (timeout !== undefined && timeout !== null) {
    const lost = lostAttempt(step, timeout === heartbeatTimeout);
    return { code: lost.code, message: lost.message };
  }
  const code = applicationFailureInfo?.type ?? cause?.applicationFailureInfo?.type;
  return { code: isErrorCode(code) ? code : 'HF-INTERNAL-001', message: message ?? '' };
}

function isHeartbeat(value: unknown): value is HeartbeatDetail {
  return (
    typeof value === 'object' &&
    value !== null &&
    'done' in value &&
    typeof value.done === 'number' &&
    'unit' in value &&
    'rate' in value &&
    typeof value.rate === 'number'
  );
}
