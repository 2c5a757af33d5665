import { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isatty } from 'node:tty';
import { Runtime, type Worker } from '@temporalio/worker';
import { silenceAwsSdkWarning } from '../config/aws-sdk-warning';
import { processEnvironment, type Environment } from '../config/environment';
import { loadConfig } from '../config/load';
import type { HoldfastConfig } from '../config/holdfast-config';
import { workerFailure, type WorkerRole } from './child-messages';
import { connectWorker, type WorkerConnection } from './connection';
import { hostDependencies } from './host-dependencies';
import { createHostWorker } from './host-worker';
import { logFormat, type LogFormat } from './log-line';
import { createLogger, logLevel, TemporalLogger } from './logging';
import { isPolled } from './pollers';
import { registerSearchAttributes } from './search-attributes';
import { identifyThisHost } from './this-host';
import { createWorkflowWorker } from './workflow-worker';

/**
 * One worker process: `node dist/worker/main.js workflow|host [CONFIG]`. Prints `ready QUEUE` on
 * stdout when the server knows that it polls. Started with an IPC channel it ends with its parent,
 * leaves SIGINT (which a terminal sends to both) to the parent, and tells its failure over IPC.
 */
async function main(role: WorkerRole, file: string | undefined): Promise<void> {
  const environment = processEnvironment();
  const { config } = await loadConfig({ environment, file });
  const level = logLevel(environment.variables['HOLDFAST_LOG_LEVEL']);
  const format = logFormat(environment.variables, isatty(2));
  const log = createLogger(`holdfast-${role}`, level, format);
  Runtime.install({
    logger: new TemporalLogger(log),
    // The SDK's own handlers end the process at the second signal, in the middle of a step.
    shutdownSignals: [],
    telemetryOptions: { logging: { forward: {}, filter: { core: 'WARN', other: 'WARN' } } },
  });
  const connected = await connectWorker(config.temporal, environment);
  try {
    const { worker, close } = await build(role, config, environment, connected, format);
    stopWhenAsked(worker);
    try {
      const running = worker.run();
      const announced = announce(worker, connected);
      await Promise.race([running, announced.then(() => running)]);
    } finally {
      await close();
    }
  } finally {
    await connected.connection.close();
  }
}

interface Built {
  readonly worker: Worker;
  readonly close: () => Promise<void>;
}

async function build(
  role: WorkerRole,
  config: HoldfastConfig,
  environment: Environment,
  connected: WorkerConnection,
  format: LogFormat,
): Promise<Built> {
  const { hostname, pid } = environment;
  if (role === 'workflow') {
    await registerSearchAttributes(connected.connection, connected.namespace);
    const worker = await createWorkflowWorker(connected, `holdfast-workflow@${hostname}:${pid}`);
    return { worker, close: () => Promise.resolve() };
  }
  const host = await identifyThisHost(config, environment);
  const dependencies = hostDependencies(config, environment, format);
  const identity = `${host.machine}@${hostname}:${pid}`;
  const worker = await createHostWorker(connected, host, dependencies, identity);
  return { worker, close: () => dependencies.close() };
}

/** Says `ready` once the server lists this process among the queue's pollers: work can come now. */
async function announce(
  worker: Worker,
  { connection, namespace }: WorkerConnection,
): Promise<void> {
  const { taskQueue, identity } = worker.options;
  while (worker.getState() === 'RUNNING') {
    if (await isPolled(connection, namespace, taskQueue, identity)) {
      writeSync(1, `ready ${taskQueue}\n`);
      return;
    }
    await sleep(50);
  }
}

function stopWhenAsked(worker: Worker): void {
  const stop = (): void => {
    if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  process.on('SIGTERM', stop);
  if (process.connected) {
    process.on('SIGINT', () => undefined);
    process.once('disconnect', stop);
  } else {
    process.on('SIGINT', stop);
  }
}

async function fail(error: unknown): Promise<number> {
  const failure = workerFailure(error);
  if (process.connected) {
    await new Promise((resolve) => process.send?.(failure, undefined, {}, resolve));
  } else {
    const text = `error: [${failure.code}] ${failure.message}\nhint: ${failure.hint}\n`;
    process.stderr.write(text);
  }
  return failure.exit;
}

const [, , role, file] = process.argv;
if (role !== 'workflow' && role !== 'host') {
  process.stderr.write('usage: main.js workflow|host [CONFIG]\n');
  process.exitCode = 2;
} else {
  silenceAwsSdkWarning(process.env);
  main(role, file)
    .then(() => 0, fail)
    // What a step left open (a socket, the IPC channel) must not keep a stopped worker alive.
    .then((status) => process.exit(status))
    .catch(() => process.exit(1));
}
