import { loadConfig } from '../../config/load';
import { requireServer } from '../../worker/probe-server';
import { TwoProcesses } from '../../worker/two-processes';
import type { CommandRun } from './command-spec';
import { untilStopped } from './stop-signals';
import { hostPrefix, startError, workerEvents } from './worker-events';

/** `holdfast worker`: runs until it is stopped. The workers' logs go to stderr: text on a terminal, else JSON. */
export const worker: CommandRun = async ({ terminal, environment, config }) => {
  const { file, config: settings } = await loadConfig({ environment, file: config });
  // Said by this process: the workers need longer to load than the probe takes.
  await requireServer(settings.temporal.address);
  const workers = new TwoProcesses({
    config: file,
    hostPrefix: hostPrefix(settings.limits, environment, terminal),
    variables: terminal.json
      ? { HOLDFAST_LOG_FORMAT: 'json', ...environment.variables }
      : environment.variables,
    log: 'inherit',
    events: workerEvents(terminal),
  });
  const stopped = untilStopped(() => workers.kill());
  const started = workers.start().catch((error: unknown) => {
    throw startError(error);
  });
  // A stop while they start must not be told as their failure.
  const first = await Promise.race([started.then(() => 'ready'), stopped.then(() => 'stopped')]);
  if (first === 'ready') {
    if (terminal.json) terminal.outJson({ type: 'ready', v: 1, pid: environment.pid });
    await stopped;
  }
  terminal.note('stopping: the workers finish what they can');
  await workers.stop();
  // One that was cut short has ended by now.
  await started.catch(() => undefined);
  return 0;
};
