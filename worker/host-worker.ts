import { Worker } from '@temporalio/worker';
import { createActivities } from '../activities/create-activities';
import { failureInterceptor } from '../activities/failure-interceptor';
import { hostQueue } from '../core/ids';
import type { HostIdentity } from '../controller/host-identity';
import type { WorkerConnection } from './connection';
import type { HostDependencies } from './host-dependencies';

/** Milliseconds a step has to reach a checkpoint and stop by itself when the worker stops. */
export const hostGrace = 10_000;
/** Milliseconds after which the worker ends whatever still runs. Process managers must wait longer. */
export const hostForce = 20_000;

/**
 * The worker of one host: its own steps only, from the queue that carries its name. One operation
 * runs at a time on a host, so a few slots are enough.
 */
export async function createHostWorker(
  { connection, namespace }: WorkerConnection,
  host: HostIdentity,
  dependencies: HostDependencies,
  identity: string,
): Promise<Worker> {
  return Worker.create({
    connection,
    namespace,
    taskQueue: hostQueue(host.modelUuid, host.machine),
    identity,
    activities: createActivities(dependencies.activities),
    interceptors: { activity: [failureInterceptor] },
    maxConcurrentActivityTaskExecutions: 4,
    // A cancellation reaches a step with its next heartbeat: within a second.
    maxHeartbeatThrottleInterval: 1_000,
    shutdownGraceTime: hostGrace,
    shutdownForceTime: hostForce,
  });
}
