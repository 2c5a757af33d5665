import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { controllerWorkflowId } from '../core/ids';
import {
  agentUnitName,
  databaseUnitName,
  type ExampleController,
} from '../examples/controller/build-controller';
import {
  readAgentReport,
  startController,
  type RunningController,
} from '../examples/controller/run-controller';
import { memoryArguments, memoryVariables } from '../worker/process-memory';
import { delayUntil } from './delay-until';
import { measureCommand, type MeasuredCommand } from './meter';
import type { TemporalServer } from './temporal-server';

const cli = join(__dirname, '../client/cli/main.js');
const workerProgram = join(__dirname, '../worker/main.js');
const configSchema = z.record(z.string(), z.unknown());

type Role = 'workflow' | 'host';

/** A controller with its data, and the two workers of its host for each configuration in use. */
export class BenchSite {
  readonly #workers = new Map<string, Readonly<Record<Role, ChildProcess>>>();
  readonly #started = new Set<ChildProcess>();

  private constructor(
    readonly controller: RunningController,
    readonly temporal: TemporalServer,
  ) {}

  /** Builds and fills the controller; its workers are not started. */
  static async start(options: {
    readonly directory: string;
    readonly sizeBytes: number;
    readonly seed: number;
    readonly mongod: string;
    readonly temporal: TemporalServer;
    /** mongod's cache, bytes: an example's own is that of a toy. */
    readonly cacheBytes: number;
  }): Promise<BenchSite> {
    const { directory, sizeBytes, seed, mongod, temporal, cacheBytes } = options;
    await mkdir(directory, { mode: 0o700 });
    const controller = await startController({
      directory,
      seed,
      sizeBytes,
      mongod,
      now: new Date(),
      temporalAddress: temporal.address,
      cacheBytes,
    });
    return new BenchSite(controller, temporal);
  }

  get example(): ExampleController {
    return this.controller.example;
  }

  async mongodPid(): Promise<number> {
    const { pid } = await this.controller.services.state(databaseUnitName);
    if (pid === undefined) throw new Error('mongod does not run');
    return pid;
  }

  /** A configuration like the example's with some settings changed, a section at a time. */
  async config(name: string, changes: Readonly<Record<string, object | string>>): Promise<string> {
    const { configFile } = this.example;
    const config = configSchema.parse(parse(await readFile(configFile, 'utf8')));
    for (const [section, change] of Object.entries(changes)) {
      const before = config[section];
      config[section] =
        typeof change === 'object' && typeof before === 'object'
          ? { ...before, ...change }
          : change;
    }
    const path = join(dirname(configFile), `holdfast-${name}.yaml`);
    await writeFile(path, stringify(config), { mode: 0o600 });
    return path;
  }

  /**
   * Workers that run with this configuration; those that do already are left alone, so that all but
   * the first operation meet processes that have run before, as those of a controller have.
   * Configurations that are used side by side need namespaces of their own.
   */
  async workers(config = this.example.configFile): Promise<readonly number[]> {
    let pair = this.#workers.get(config);
    if (pair === undefined) {
      const [workflow, host] = await Promise.all([
        this.#startWorker('workflow', config),
        this.#startWorker('host', config),
      ]);
      pair = { workflow, host };
      this.#workers.set(config, pair);
    }
    return [pair.workflow.pid ?? 0, pair.host.pid ?? 0];
  }

  /** The process that does the host's work. */
  get hostPid(): number {
    return this.#workers.get(this.example.configFile)?.host.pid ?? 0;
  }

  /** Runs the built command to its end, its workers' share measured with it. */
  async holdfast(
    args: readonly string[],
    config = this.example.configFile,
  ): Promise<MeasuredCommand> {
    const pids = await this.workers(config);
    const { workspace, storage } = this.example;
    return measureCommand(process.execPath, [cli, ...args], {
      mongodPid: await this.mongodPid(),
      pids,
      directories: [workspace, storage],
      env: { HOLDFAST_CONFIG: config },
    });
  }

  /** The workflow of the operation that ran last. */
  operation(namespace = 'default') {
    const { workflow } = this.temporal.in(namespace);
    return workflow.getHandle(controllerWorkflowId(this.example.modelUuid));
  }

  /** Removes every backup from the storage: a benchmark's disk must not fill up. */
  async removeBackups(): Promise<void> {
    const { storage, modelUuid } = this.example;
    await rm(join(storage, modelUuid), { recursive: true, force: true });
  }

  /** A backup to restore: the newest, or one taken now. */
  async backupId(): Promise<string> {
    const { storage, modelUuid } = this.example;
    const [found] = await readdir(join(storage, modelUuid)).catch(() => []);
    return found ?? (await this.holdfast(['create', '--quiet'])).stdout.trim();
  }

  /** Stops the agent as juju-restore does. */
  async stopAgent(): Promise<void> {
    await this.controller.services.stop(agentUnitName);
  }

  async startAgent(): Promise<void> {
    await this.controller.services.start(agentUnitName);
  }

  /** Resolves when the agent that runs has read the database. */
  async agentAlive(): Promise<void> {
    await delayUntil('the agent', async () => {
      const { pid } = await this.controller.services.state(agentUnitName);
      return pid !== undefined && (await readAgentReport(this.example))?.pid === pid;
    });
  }

  async stopWorkers(): Promise<void> {
    const workers = [...this.#started];
    this.#started.clear();
    this.#workers.clear();
    await Promise.all(
      workers.map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const ended = new Promise((resolve) => child.once('exit', resolve));
        child.kill('SIGTERM');
        await ended;
      }),
    );
  }

  /** Ends the workers at once, without waiting; the controller ends with this process. */
  kill(): void {
    for (const worker of this.#started) worker.kill('SIGKILL');
  }

  async stop(): Promise<void> {
    await this.stopWorkers();
    await this.controller.stop();
  }

  async #startWorker(role: Role, config: string): Promise<ChildProcess> {
    const logFile = join(this.example.state, `${role}.log`);
    const log = openSync(logFile, 'a', 0o600);
    const child = spawn(process.execPath, [...memoryArguments, workerProgram, role, config], {
      stdio: ['ignore', 'pipe', log],
      env: { ...process.env, ...memoryVariables, HOLDFAST_LOG_LEVEL: 'error' },
    });
    closeSync(log);
    this.#started.add(child);
    await new Promise<void>((resolve, reject) => {
      // One line is all it says.
      child.stdout?.setEncoding('utf8').on('data', (text: string) => {
        if (text.startsWith('ready ')) resolve();
      });
      child.once('exit', (status) => {
        const said = readFileSync(logFile, 'utf8').slice(-4_000);
        reject(new Error(`the ${role} worker ended with ${status}:\n${said}`));
      });
    });
    return child;
  }
}
