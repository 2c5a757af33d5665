import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ProcessServices } from '../../controller/process-services';
import { readReport, type AgentReport } from './agent-report';
import { agentUnitName, buildController, databaseUnitName } from './build-controller';
import type { BuildOptions, ExampleController } from './build-controller';
import { databaseClient, initiateDatabase, setCache, type DatabaseAccess } from './database';
import { fillDatabase } from './fill-database';
import { SeededRandom } from './seeded-random';

/** An example whose supervisor runs as a child of this process. */
export interface RunningController {
  readonly example: ExampleController;
  readonly services: ProcessServices;
  readonly supervisorPid: number;
  /** Resolves when the supervisor has ended, for whatever reason. */
  readonly ended: Promise<void>;
  /** Stops agent, mongod and supervisor, in this order, and waits for it. */
  stop(): Promise<void>;
}

/** How to reach the example's mongod as `machine-0`. */
export function exampleAccess(example: ExampleController): DatabaseAccess {
  return { host: example.hosts[0] ?? '', caCert: example.caCert, password: example.password };
}

/** What the agent said last; undefined before its first report. */
export async function readAgentReport(
  example: ExampleController,
): Promise<AgentReport | undefined> {
  return readReport(example.agentReport);
}

/**
 * Builds an example, starts its mongod, fills it with about `sizeBytes` of documents, starts its
 * agent, and returns when the agent is connected. If anything fails, nothing is left running.
 */
export async function startController(
  options: BuildOptions & {
    readonly sizeBytes: number;
    /** mongod's cache, bytes; that of a toy when it is not given. */
    readonly cacheBytes?: number;
  },
): Promise<RunningController> {
  const example = await buildController(options);
  const running = await runSupervisor(example);
  try {
    const access = exampleAccess(example);
    await initiateDatabase(access);
    const client = databaseClient(access);
    try {
      if (options.cacheBytes !== undefined) await setCache(client, options.cacheBytes);
      const random = new SeededRandom(options.seed + 1);
      const identity = { ...example, mongoVersion: example.mongodVersion };
      const { sizeBytes, now } = options;
      await fillDatabase(client, identity, example, { sizeBytes, now, random });
    } finally {
      await client.close();
    }
    await waitForAgent(running);
    return running;
  } catch (error) {
    await running.stop();
    throw error;
  }
}

/** Starts an example that was built and filled before, and returns when its agent is connected. */
export async function resumeController(example: ExampleController): Promise<RunningController> {
  const running = await runSupervisor(example);
  try {
    await waitForAgent(running);
    return running;
  } catch (error) {
    await running.stop();
    throw error;
  }
}

async function waitForAgent({ example, services, ended }: RunningController): Promise<void> {
  let over = false;
  void ended.then(() => (over = true));
  for (let tries = 0; ; tries += 1) {
    const report = await readAgentReport(example);
    const { pid } = await services.state(agentUnitName);
    if (report !== undefined && report.pid === pid) return;
    if (over || tries > 600) {
      throw new Error(`the agent did not connect; its log is ${join(example.state, 'agent.log')}`);
    }
    await delay(50);
  }
}

async function runSupervisor(example: ExampleController): Promise<RunningController> {
  const output = openSync(join(example.state, 'supervisor.log'), 'a', 0o600);
  const child = spawn(process.execPath, [example.supervisor, example.supervisorConfig], {
    // It ends when this pipe closes: an example never outlives who started it.
    stdio: ['pipe', output, output],
  });
  closeSync(output);
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const services = new ProcessServices({ socket: example.socket });
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    await ended;
  };
  await waitForSupervisor(child, services, example);
  return { example, services, supervisorPid: child.pid ?? 0, ended, stop };
}

async function waitForSupervisor(
  child: ChildProcess,
  services: ProcessServices,
  example: ExampleController,
): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      await services.state(databaseUnitName);
      return;
    } catch (error) {
      if (child.exitCode !== null || tries > 200) {
        child.kill('SIGKILL');
        const log = join(example.state, 'supervisor.log');
        throw new Error(`the supervisor did not start; its log is ${log}`, { cause: error });
      }
    }
    await delay(50);
  }
}
