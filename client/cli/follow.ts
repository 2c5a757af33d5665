import { setTimeout as sleep } from 'node:timers/promises';
import { isHoldfastError } from '../../core/errors';
import type { HoldfastClient } from '../holdfast-client';
import type { OperationHandle } from '../operation-handle';
import type { Report, Status } from '../status';
import type { CommandContext } from './context';
import { ProgressView } from './progress-view';
import { StallNotice } from './stall-notice';

/** The user went; the operation goes on. */
export interface Detached {
  readonly detached: 'SIGINT' | 'SIGTERM';
}

/** What a command adds to waiting for an operation. */
export interface FollowOptions {
  /** Called once when the operation waits for its confirmation. */
  readonly onConfirmation?: (status: Status) => Promise<void>;
}

const lookEvery = 500;

/**
 * Waits for an operation and shows how it goes. It survives a Temporal server that goes away and
 * comes back; a signal detaches.
 * @throws HoldfastError the operation's own error.
 */
export async function follow<R extends Report>(
  context: CommandContext,
  client: HoldfastClient,
  handle: OperationHandle<R>,
  options: FollowOptions = {},
): Promise<R | Detached> {
  const leave = new AbortController();
  let by: Detached['detached'] = 'SIGINT';
  const leaving = (name: NodeJS.Signals): void => {
    by = name === 'SIGTERM' ? 'SIGTERM' : 'SIGINT';
    leave.abort();
  };
  process.once('SIGINT', leaving).once('SIGTERM', leaving);
  const left = new Promise<Detached>((resolve) => {
    leave.signal.addEventListener('abort', () => resolve({ detached: by }), { once: true });
  });
  const done = new AbortController();
  try {
    const ended = untilEnd(context, client, handle, leave.signal);
    const signal = AbortSignal.any([done.signal, leave.signal]);
    const watching = isSilent(context, options)
      ? Promise.resolve()
      : watch(context, client, handle, options, signal);
    // Only a failing question ends the watch early; it must not be lost.
    const asked = watching.then(() => ended);
    return await Promise.race([ended, asked, left]);
  } finally {
    done.abort();
    process.off('SIGINT', leaving).off('SIGTERM', leaving);
  }
}

/** Nothing of how it goes would be shown or asked: then Temporal is only asked for the end. */
function isSilent({ terminal }: CommandContext, { onConfirmation }: FollowOptions): boolean {
  return terminal.quiet && !terminal.json && onConfirmation === undefined;
}

async function untilEnd<R extends Report>(
  { terminal }: CommandContext,
  client: HoldfastClient,
  handle: OperationHandle<R>,
  signal: AbortSignal,
): Promise<R> {
  for (let told = false; ; told = true) {
    try {
      return await client.result(handle);
    } catch (error) {
      if (!isHoldfastError(error, 'HF-TEMPORAL-001') || isOwnFailure(error)) throw error;
      if (!told) terminal.note('Temporal does not answer; waiting for it to come back');
      await sleep(1_000, undefined, { signal });
    }
  }
}

/** The operation itself may have failed with this code; then its cause is the workflow's failure. */
function isOwnFailure(error: Error): boolean {
  return error.cause instanceof Error && error.cause.name === 'WorkflowFailedError';
}

async function watch(
  context: CommandContext,
  client: HoldfastClient,
  handle: OperationHandle,
  options: FollowOptions,
  signal: AbortSignal,
): Promise<void> {
  const view = new ProgressView(context.terminal, () => performance.now());
  const stall = new StallNotice({
    queues: handle.queues,
    now: () => performance.now(),
    lastPoll: (which) => client.lastPoll(handle, which),
    note: (line) => context.terminal.note(line),
  });
  let asked = false;
  while (!signal.aborted) {
    const status = await lookAt(client, handle, false);
    if (signal.aborted || (status !== undefined && status.state !== 'running')) return;
    if (status !== undefined) {
      view.show(status);
      await stall.look(status);
      if (status.phase === 'awaiting-confirmation' && !asked && options.onConfirmation) {
        const full = await lookAt(client, handle, true);
        if (full?.preflight !== undefined) {
          asked = true;
          await options.onConfirmation(full);
        }
      }
    }
    await sleep(lookEvery, undefined, { signal }).catch(() => undefined);
  }
}

async function lookAt(
  client: HoldfastClient,
  handle: OperationHandle,
  query: boolean,
): Promise<Status | undefined> {
  try {
    return await client.status(handle, { query });
  } catch (error) {
    // While Temporal is away there is nothing to show; `untilEnd` says so.
    if (isHoldfastError(error, 'HF-TEMPORAL-001')) return undefined;
    throw error;
  }
}
