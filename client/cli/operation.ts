import type { WorkflowStatus } from '../../core/messages';
import { HoldfastClient, type OperationHandle } from '../holdfast-client';
import { loadConfig } from '../../config/load';
import type { Report } from '../status';
import type { CommandContext } from './context';
import { follow, type Detached, type FollowOptions } from './follow';

/** Runs `use` with a client of the configuration, and closes it whatever happens. */
export async function withClient<T>(
  { environment, config }: CommandContext,
  use: (client: HoldfastClient) => Promise<T>,
): Promise<T> {
  const loaded = await loadConfig({ environment, file: config });
  const client = new HoldfastClient(loaded.config, environment);
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}

/**
 * Shows an operation to its end, then its report; with `--json` the report is the line `summary`.
 * @returns the exit status: that of `show`, or 130 or 143 when a signal detached.
 */
export async function conclude<R extends Report>(
  context: CommandContext,
  client: HoldfastClient,
  handle: OperationHandle<R>,
  show: (report: R) => number,
  options: FollowOptions = {},
): Promise<number> {
  const { terminal } = context;
  const how = handle.attached ? 'is running already; following it' : 'started';
  terminal.note(`${handle.kind} ${how}: workflow ${handle.workflowId}, run ${handle.runId}`);
  const end = await follow(context, client, handle, options);
  if (isDetached(end)) {
    tellDetached(context, client, handle, handle.kind);
    return end.detached === 'SIGTERM' ? 143 : 130;
  }
  const status = show(end);
  if (terminal.json) terminal.outJson({ type: 'summary', ...end });
  return status;
}

function isDetached(end: Report | Detached): end is Detached {
  return 'detached' in end;
}

function tellDetached(
  { terminal }: CommandContext,
  client: HoldfastClient,
  { workflowId, runId }: OperationHandle,
  kind: WorkflowStatus['kind'],
): void {
  const { address, namespace } = client.config.temporal;
  const command = `temporal workflow describe --address ${address} --namespace ${namespace} -w ${workflowId} -r ${runId}`;
  if (terminal.json) {
    terminal.outJson({ type: 'detached', v: 1, kind, workflowId, runId, command });
  } else {
    terminal.err(`the ${kind} goes on without this command; look at it with:`);
    terminal.err(`  ${command}`);
  }
}
