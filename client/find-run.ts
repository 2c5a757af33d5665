import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { controllerWorkflowId, uuidPattern } from '../core/ids';
import { messageNames, type WorkflowStatus } from '../core/messages';

/** A run of one of Holdfast's workflows. */
export interface FoundRun {
  readonly kind: WorkflowStatus['kind'];
  readonly workflowId: string;
  readonly runId: string;
  readonly running: boolean;
  readonly backupId?: string;
}

const kinds: readonly WorkflowStatus['kind'][] = [
  'backup',
  'restore',
  'restoreCollections',
  'verify',
  'verifyAll',
  'prune',
  'copy',
];
const backupIdKey = defineSearchAttributeKey(
  messageNames.searchAttributes.backupId,
  SearchAttributeType.KEYWORD,
);

/** The backup or restore of a controller that runs now, or that ran last; also one begun a moment ago. */
export async function findLatest(client: Client, modelUuid: string): Promise<FoundRun | undefined> {
  return describeRun(client, controllerWorkflowId(modelUuid));
}

/**
 * Runs of a controller's operations: those that run first, then the last ended. What was begun
 * within about a second may be missing from the server's index, except for `findLatest`'s.
 */
export async function findRuns(
  client: Client,
  modelUuid: string,
  most: number,
): Promise<readonly FoundRun[]> {
  const found: FoundRun[] = [];
  const latest = await findLatest(client, modelUuid);
  if (latest?.running === true) found.push(latest);
  const query = `${messageNames.searchAttributes.controller} = '${modelUuid}'`;
  for await (const info of client.workflow.list({ query, pageSize: most })) {
    const run = foundRun(info);
    if (run === undefined || run.runId === latest?.runId) continue;
    found.push(run);
    if (found.length >= most) break;
  }
  if (latest?.running === false) insertEnded(found, latest);
  return found.slice(0, most);
}

/** The run that a run id, a workflow id, or (the beginning of) a backup id names; of several the first. */
export async function findNamed(
  client: Client,
  modelUuid: string,
  name: string,
): Promise<FoundRun | undefined> {
  if (uuidPattern.test(name)) {
    // Known by its id before the server's index knows it.
    const direct = await describeRun(client, controllerWorkflowId(modelUuid), name);
    if (direct !== undefined) return direct;
  }
  const runs = await findRuns(client, modelUuid, 1_000);
  return runs.find((run) => isNamed(run, name));
}

/** As `findNamed`, of what runs now; without a name a backup or restore comes before a verification. */
export async function findRunning(
  client: Client,
  modelUuid: string,
  name?: string,
): Promise<FoundRun | undefined> {
  // First what is known before the server's index knows it.
  const latest = await findLatest(client, modelUuid);
  const runs = latest?.running === true ? [latest] : [];
  const found = runs.find((run) => name === undefined || isNamed(run, name));
  if (found !== undefined) return found;
  const indexed = await findRuns(client, modelUuid, 1_000);
  return indexed.find((run) => run.running && (name === undefined || isNamed(run, name)));
}

function isNamed({ runId, workflowId, backupId }: FoundRun, name: string): boolean {
  return runId === name || workflowId === name || backupId?.startsWith(name) === true;
}

async function describeRun(
  client: Client,
  workflowId: string,
  runId?: string,
): Promise<FoundRun | undefined> {
  try {
    return foundRun(await client.workflow.getHandle(workflowId, runId).describe());
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

type Listed = Awaited<ReturnType<ReturnType<Client['workflow']['getHandle']>['describe']>>;

function foundRun(
  info: Pick<Listed, 'type' | 'workflowId' | 'runId' | 'status' | 'typedSearchAttributes'>,
): FoundRun | undefined {
  const kind = kinds.find((each) => each === info.type);
  if (kind === undefined) return undefined;
  const backupId = info.typedSearchAttributes.get(backupIdKey);
  const { workflowId, runId } = info;
  const running = info.status.name === 'RUNNING';
  return { kind, workflowId, runId, running, ...(backupId === undefined ? {} : { backupId }) };
}

/** After those that run: nothing of this controller ended later, as long as they exclude each other. */
function insertEnded(found: FoundRun[], run: FoundRun): void {
  const at = found.findIndex(({ running }) => !running);
  found.splice(at === -1 ? found.length : at, 0, run);
}
