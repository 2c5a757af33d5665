import type { Environment } from '../../config/environment';
import type { LimitsConfig } from '../../config/holdfast-config';
import { reportedError } from '../failures';
import { WorkerStartError } from '../../worker/child-messages';
import type { ProcessEvents } from '../../worker/supervised-process';
import { workerPriority } from '../../worker/worker-priority';
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

/** What starts the host worker at the priority that is configured; says what of it cannot be had. */
export function hostPrefix(
  limits: LimitsConfig,
  { variables }: Environment,
  terminal: Terminal,
): readonly string[] {
  const { prefix, problems } = workerPriority(limits, variables['PATH']);
  for (const problem of problems) terminal.err(`warning: ${problem}`);
  return prefix;
}

/** The error a worker process told, as its own; any other error as it is. */
export function startError(error: unknown): unknown {
  return error instanceof WorkerStartError ? reportedError(error.failure, error) : error;
}
