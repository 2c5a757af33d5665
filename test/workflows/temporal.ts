import { setTimeout as delay } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { WorkflowClient, WorkflowHandle } from '@temporalio/client';
import {
  defineSearchAttributeKey,
  SearchAttributeType,
  type SearchAttributePair,
} from '@temporalio/common';
import { historyToJSON } from '@temporalio/common/lib/proto-utils';
import { ActivityFailure, ApplicationFailure } from '@temporalio/common';
import { WorkflowFailedError } from '@temporalio/client';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import {
  bundleWorkflowCode,
  DefaultLogger,
  Runtime,
  Worker,
  type WorkflowBundleWithSourceMap,
} from '@temporalio/worker';
import { controllerWorkflowId } from '../../core/ids';
import {
  messageNames,
  type BackupInput,
  type CopyInput,
  type Placement,
  type PruneInput,
  type RestoreCollectionsInput,
  type RestoreInput,
  type VerifyAllInput,
  type VerifyInput,
  type WorkflowStatus,
} from '../../core/messages';
import type {
  backup,
  copy,
  prune,
  restore,
  restoreCollections,
  verify,
  verifyAll,
} from '../../workflows';
import { HostOfFakes } from './host-of-fakes';
import { controller } from './samples';

export const workflowsPath = join(__dirname, '../../workflows/index.ts');

export const quiet = new DefaultLogger('ERROR', () => undefined);

/** Workers fail on purpose here: what they log is not news. Once in a file, before anything else. */
export function installQuietRuntime(): void {
  Runtime.install({ logger: quiet, telemetryOptions: { logging: { filter: 'OFF', forward: {} } } });
}

export function bundleWorkflows(path = workflowsPath): Promise<WorkflowBundleWithSourceMap> {
  return bundleWorkflowCode({ workflowsPath: path, logger: quiet });
}

/** One real Temporal server for a file of tests, and the workflows bundled once. */
export class TestTemporal {
  readonly #running = new Map<string, { readonly worker: Worker; readonly ended: Promise<void> }>();
  readonly #hosts = new Map<string, HostOfFakes>();

  private constructor(
    readonly environment: TestWorkflowEnvironment,
    readonly bundle: WorkflowBundleWithSourceMap,
  ) {}

  static async start(): Promise<TestTemporal> {
    installQuietRuntime();
    const path = process.env['HOLDFAST_TEMPORAL_CLI'];
    if (path === undefined) throw new Error('HOLDFAST_TEMPORAL_CLI is not set');
    const [environment, bundle] = await Promise.all([
      TestWorkflowEnvironment.createLocal({
        server: {
          executable: { type: 'existing-path', path },
          searchAttributes: Object.values(messageNames.searchAttributes).map((name) =>
            defineSearchAttributeKey(name, SearchAttributeType.KEYWORD),
          ),
        },
        client: { identity: 'client' },
      }),
      bundleWorkflows(),
    ]);
    return new TestTemporal(environment, bundle);
  }

  async stop(): Promise<void> {
    const running = [...this.#running.values()];
    for (const { worker } of running) worker.shutdown();
    await Promise.all(running.map(({ ended }) => ended));
    await this.environment.teardown();
    await Runtime.instance().shutdown();
  }

  /**
   * Queues with workers on both; `cached` workflows are kept, 0 replays a workflow at every task.
   * The workers are made once for all tests of a file.
   */
  async placement(cached = 50): Promise<Placement> {
    const workflow = `workflows-${cached}`;
    const host = 'host';
    if (!this.#running.has(workflow))
      this.#run(workflow, await this.#workflowWorker(workflow, cached));
    if (!this.#running.has(host))
      this.#run(host, await this.#hostWorker(host, () => this.#hostOf()));
    return { workflow, host, storage: host };
  }

  /** As placement, but nobody works for the host until `withHost` does. */
  async placementAway(): Promise<Placement> {
    const host = `host-${randomUUID()}`;
    return { ...(await this.placement()), host, storage: host };
  }

  backup(input: BackupInput): Promise<WorkflowHandle<typeof backup>> {
    return this.#workflows.start<typeof backup>('backup', { ...start(input), args: [input] });
  }

  restore(input: RestoreInput): Promise<WorkflowHandle<typeof restore>> {
    return this.#workflows.start<typeof restore>('restore', { ...start(input), args: [input] });
  }

  restoreCollections(
    input: RestoreCollectionsInput,
  ): Promise<WorkflowHandle<typeof restoreCollections>> {
    return this.#workflows.start<typeof restoreCollections>('restoreCollections', {
      ...start(input),
      args: [input],
    });
  }

  verifyAll(input: VerifyAllInput): Promise<WorkflowHandle<typeof verifyAll>> {
    return this.#workflows.start<typeof verifyAll>('verifyAll', { ...start(input), args: [input] });
  }

  prune(input: PruneInput): Promise<WorkflowHandle<typeof prune>> {
    return this.#workflows.start<typeof prune>('prune', { ...start(input), args: [input] });
  }

  copy(input: CopyInput): Promise<WorkflowHandle<typeof copy>> {
    return this.#workflows.start<typeof copy>('copy', { ...start(input), args: [input] });
  }

  verify(input: VerifyInput): Promise<WorkflowHandle<typeof verify>> {
    return this.#workflows.start<typeof verify>('verify', { ...start(input), args: [input] });
  }

  get #workflows(): WorkflowClient {
    return this.environment.client.workflow;
  }

  /** Lets a host take the steps of an operation while the test is at work. */
  async with<T>(handle: WorkflowHandle, host: HostOfFakes, work: () => Promise<T>): Promise<T> {
    this.#hosts.set(handle.workflowId, host);
    return work();
  }

  /** Runs `work` while a host's worker of its own takes the steps from its queue. */
  async withHost<T>(placement: Placement, host: HostOfFakes, work: () => Promise<T>): Promise<T> {
    const worker = await this.#hostWorker(placement.host, () => Promise.resolve(host));
    return worker.runUntil(work);
  }

  #workflowWorker(taskQueue: string, maxCachedWorkflows: number): Promise<Worker> {
    return Worker.create({
      connection: this.environment.nativeConnection,
      taskQueue,
      identity: 'workflow worker',
      workflowBundle: this.bundle,
      maxCachedWorkflows,
    });
  }

  #hostWorker(taskQueue: string, hostOf: () => Promise<HostOfFakes>): Promise<Worker> {
    return Worker.create({
      connection: this.environment.nativeConnection,
      taskQueue,
      identity: 'host worker',
      activities: HostOfFakes.activities(hostOf),
      maxHeartbeatThrottleInterval: 50,
      // A step that a failed test left at a gate must not hold the worker.
      shutdownForceTime: 2_000,
    });
  }

  #run(name: string, worker: Worker): void {
    this.#running.set(name, { worker, ended: worker.run().catch(() => undefined) });
  }

  /** The host of the operation that asks; the test names it right after its start. */
  async #hostOf(): Promise<HostOfFakes> {
    const { workflowId } = Context.current().info.workflowExecution ?? {};
    for (;;) {
      const host = this.#hosts.get(workflowId ?? '');
      if (host !== undefined) return host;
      await Context.current().sleep(10);
    }
  }
}

function start(input: { readonly placement: Placement }) {
  return {
    workflowId: `${controllerWorkflowId(controller)}/${randomUUID()}`,
    taskQueue: input.placement.workflow,
  };
}

/** Asks the query `status`. */
export function statusOf(handle: WorkflowHandle): Promise<WorkflowStatus> {
  return handle.query<WorkflowStatus>(messageNames.status);
}

/** Waits until the operation is in a phase. */
export async function inPhase(
  handle: WorkflowHandle,
  phase: WorkflowStatus['phase'],
): Promise<WorkflowStatus> {
  for (;;) {
    const status = await statusOf(handle);
    if (status.phase === phase) return status;
    if (status.phase === 'done') throw new Error(`it was never ${phase}`);
    await delay(20);
  }
}

/** Holdfast's search attributes of a run, as the server has them. */
export async function attributesOf(handle: WorkflowHandle): Promise<Record<string, unknown>> {
  const { typedSearchAttributes } = await handle.describe();
  const names: readonly string[] = Object.values(messageNames.searchAttributes);
  return Object.fromEntries(
    typedSearchAttributes
      .getAll()
      .filter((pair: SearchAttributePair) => names.includes(pair.key.name))
      .map((pair: SearchAttributePair) => [pair.key.name, pair.value]),
  );
}

/** How an operation that did not succeed ended: cancelled, or failed with a code. */
export async function endOf(
  handle: WorkflowHandle,
): Promise<{ readonly status: string; readonly code?: string; readonly message?: string }> {
  try {
    await handle.result();
    return { status: 'COMPLETED' };
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    const { name: status } = (await handle.describe()).status;
    // A step's own failure reaches the client below the ActivityFailure that names the step.
    const cause = error.cause instanceof ActivityFailure ? error.cause.cause : error.cause;
    return cause instanceof ApplicationFailure && typeof cause.type === 'string'
      ? { status, code: cause.type, message: cause.message }
      : { status };
  }
}

/**
 * Keeps a closed run's history, when the histories of a release are being recorded
 * (`node tools/record-histories.mjs`).
 */
export async function keepHistory(handle: WorkflowHandle, name: string): Promise<void> {
  const directory = process.env['HOLDFAST_RECORD_HISTORIES'];
  if (directory === undefined || directory === '') return;
  await mkdir(directory, { recursive: true });
  // Stack traces name the directories of the machine.
  const history: unknown = JSON.parse(
    historyToJSON(await handle.fetchHistory()),
    (key, value: unknown) => (key === 'stackTrace' ? undefined : value),
  );
  await writeFile(join(directory, `${name}.json`), `${JSON.stringify(history, undefined, 1)}\n`);
}
