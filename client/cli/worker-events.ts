import { reportedError } from '../failures';
import { WorkerStartError } from '../../worker/child-messages';
import type { ProcessEvents } from '../../worker/supervised-process';
import { formatDuration } from '../render/units';
import type { Terminal } from './terminal';

/** Says what happens to the worker processes: a line each on stderr. */
export function workerEvents(terminal: Terminal): ProcessEvents {
  return {
    ready: (role, queue) => terminal.note(`the ${role} worker is ready on queue ${queue}`),
    restarting: (role, how, delay) =>
      terminal.err(`the ${role} worker ${how}; it is started again in ${formatDuration(delay)}`),
  };
}

/** The error a worker process told, as its own; any other error as it is. */
export function startError(error: unknown): unknown {
  return error instanceof WorkerStartError ? reportedError(error.failure, error) : error;
}
