import { join } from 'node:path';
import { Worker } from '@temporalio/worker';
import { workflowQueue } from '../core/ids';
import type { WorkerConnection } from './connection';

/** The workflow bundle that the build made beside the compiled worker. */
export function workflowBundlePath(): string {
  return join(__dirname, '..', 'workflow-bundle.js');
}

/** Milliseconds a workflow task may need to end when the worker stops; each takes far less. */
const grace = 5_000;

/** The worker of the queue `holdfast`: workflows only, from the prebuilt bundle. */
export async function createWorkflowWorker(
  { connection, namespace }: WorkerConnection,
  identity: string,
): Promise<Worker> {
  return Worker.create({
    connection,
    namespace,
    taskQueue: workflowQueue,
    identity,
    workflowBundle: { codePath: workflowBundlePath() },
    // Operations are few and long; the cache needs to hold those that run.
    maxCachedWorkflows: 50,
    // How long the server keeps a task for a worker that has died; the default of 10 s is a pause for nothing.
    stickyQueueScheduleToStartTimeout: 3_000,
    shutdownGraceTime: grace,
    shutdownForceTime: grace * 2,
  });
}
