import { HoldfastClient } from '../holdfast-client';
import type { OperationHandle } from '../operation-handle';
import { kindText } from '../../core/operation';
import { renderFacts } from '../render/table';
import type { Report } from '../status';
import { cancelLines } from './cancel-text';
import type { CommandContext } from './context';
import { follow, type Detached, type FollowOptions } from './follow';
import { withOpened } from './with-backups';

/**
 * Runs `use` with a client of the configuration, and closes it whatever happens. `storage`: the one that
 * is worked on, where it is not the default one.
 */
export function withClient<T>(
  context: CommandContext,
  use: (client: HoldfastClient) => Promise<T>,
  storage?: string,
): Promise<T> {
  return withOpened(HoldfastClient, context, use, storage);
}

/** What a command adds to showing an operation. */
export interface ConcludeOptions extends FollowOptions {
  /** Do not wait: print where it runs. */
  readonly detach?: boolean;
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
  options: ConcludeOptions = {},
): Promise<number> {
  const { terminal } = context;
  const { kind, workflowId, runId } = handle;
  if (options.detach === true) {
    tellWhere(context, handle);
    return 0;
  }
  const how = handle.attached ? 'is there already; following it' : 'started';
  terminal.note(`${kindText(kind)} ${how}: workflow ${workflowId}, run ${runId}`);
  const end = await follow(context, client, handle, options);
  if (isDetached(end)) return leave(context, client, handle, end);
  const status = show(end);
  if (terminal.json) terminal.outJson({ type: 'summary', ...end });
  return status;
}

function isDetached(end: Report | Detached): end is Detached {
  return 'detached' in end;
}

/** What leads back to an operation. */
function watchCommand({ config }: CommandContext, { runId }: OperationHandle): string {
  const quoted = config === undefined ? '' : ` --config ${shellWord(config)}`;
  return `holdfast watch ${runId}${quoted}`;
}

function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

function detachedJson(context: CommandContext, handle: OperationHandle): object {
  const { kind, workflowId, runId } = handle;
  const command = watchCommand(context, handle);
  return { type: 'detached', v: 1, kind, workflowId, runId, command };
}

function tellWhere(context: CommandContext, handle: OperationHandle): void {
  const { terminal } = context;
  const { workflowId, runId } = handle;
  if (terminal.json) terminal.outJson(detachedJson(context, handle));
  else if (terminal.quiet) terminal.out(runId);
  else {
    const facts = [
      ['workflow', workflowId],
      ['run', runId],
    ] as const;
    renderFacts(facts, terminal.width).forEach((line) => terminal.out(line));
    terminal.note(`follow it with: ${watchCommand(context, handle)}`);
  }
}

/** The user went: says how to come back, and on a terminal lets a second Ctrl-C ask to cancel. */
async function leave(
  context: CommandContext,
  client: HoldfastClient,
  handle: OperationHandle,
  { detached }: Detached,
): Promise<number> {
  const { terminal } = context;
  // Listened for before anything is said: the second Ctrl-C may come with the line that offers it.
  const again = detached === 'SIGINT' && terminal.interactive ? secondInterrupt() : undefined;
  if (terminal.json) terminal.outJson(detachedJson(context, handle));
  else {
    terminal.err(
      `the ${kindText(handle.kind)} goes on without this command; come back to it with:`,
    );
    terminal.err(`  ${watchCommand(context, handle)}`);
  }
  if (again !== undefined) {
    terminal.err('Ctrl-C once more, within 3 s, asks whether to cancel it');
    if (await again) await offerCancel(context, client, handle);
  }
  return detached === 'SIGTERM' ? 143 : 130;
}

const interruptWithin = 3_000;

function secondInterrupt(): Promise<boolean> {
  return new Promise((resolve) => {
    const end = (answer: boolean): void => {
      clearTimeout(timer);
      process.off('SIGINT', interrupted);
      resolve(answer);
    };
    const interrupted = (): void => end(true);
    const timer = setTimeout(() => end(false), interruptWithin);
    process.on('SIGINT', interrupted);
  });
}

async function offerCancel(
  { terminal }: CommandContext,
  client: HoldfastClient,
  handle: OperationHandle,
): Promise<void> {
  const answer = await terminal.confirm(`Cancel the ${kindText(handle.kind)}?`);
  if (answer !== true) {
    terminal.err(`the ${kindText(handle.kind)} goes on`);
    return;
  }
  cancelLines(await client.cancel(handle), handle).forEach((line) => terminal.err(line));
}
