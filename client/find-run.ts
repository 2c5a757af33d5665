import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { controllerWorkflowId } from '../core/ids';
import type { WorkflowStatus } from '../core/messages';

/** A run of one of Holdfast's workflows. */
export interface FoundRun {
  readonly kind: WorkflowStatus['kind'];
  readonly workflowId: string;
  readonly runId: string;
}

const kinds: readonly WorkflowStatus['kind'][] = ['backup', 'restore', 'verify'];

/** The kind of operation that a workflow type is; undefined for a workflow that is not ours. */
export function kindOf(type: string): WorkflowStatus['kind'] | undefined {
  return kinds.find((kind) => kind === type);
}

/** The backup or restore of a controller that runs now. */
export async function findRunning(
  client: Client,
  modelUuid: string,
): Promise<FoundRun | undefined> {
  const workflowId = controllerWorkflowId(modelUuid);
  try {
    const { type, runId, status } = await client.workflow.getHandle(workflowId).describe();
    const kind = kindOf(type);
    return kind === undefined || status.name !== 'RUNNING'
      ? undefined
      : { kind, workflowId, runId };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}
