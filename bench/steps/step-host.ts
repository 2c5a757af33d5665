import type { ActivityDependencies } from '../../activities/dependencies';
import type { HoldfastConfig } from '../../config/holdfast-config';
import type { HostIdentity } from '../../controller/host-identity';
import { hostQueue, workflowQueue } from '../../core/ids';
import type { BenchAttempt } from './bench-attempt';

/** What the steps of an operation are called with. */
export interface StepHost {
  readonly config: HoldfastConfig;
  readonly identity: HostIdentity;
  readonly dependencies: ActivityDependencies;
  readonly attempt: BenchAttempt;
}

/** Tells the process that measures that it begins now. */
export function begin(): void {
  process.stdout.write('begin\n');
}

/** Tells the process that measures that it is over. */
export function end(figures: Readonly<Record<string, number>> = {}): void {
  process.stdout.write(`end ${JSON.stringify(figures)}\n`);
}

/** What the inputs of all operations on this host have in common. */
export function commonInput({ config, identity }: StepHost) {
  const queue = hostQueue(identity.modelUuid, identity.machine);
  const { heartbeatTimeout, hostWait, confirmWait } = config.limits;
  return {
    v: 1,
    controller: identity.modelUuid,
    machine: identity.machine,
    storage: config.storage.name,
    placement: { workflow: workflowQueue, host: queue, storage: queue },
    limits: { heartbeatTimeout, hostWait, hostNotice: 30_000, confirmWait },
  } as const;
}
