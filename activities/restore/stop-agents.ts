import { z } from 'zod';
import { readJsonFile, writeFileDurably } from '../../config/durable-file';
import { openServices } from '../../controller/open-services';
import { agentUnit, type Services } from '../../controller/services';
import type { OperationRef } from '../../core/operation';
import { refuseForeignClients } from '../../mongo/foreign-clients';
import type { ActivityDependencies } from '../dependencies';
import { enterJournaled } from '../operation';
import type { Attempt } from '../step';
import { claimEpoch } from '../workspace/epoch';
import { connectForRestore } from './restore-access';
import { runFiles } from './run-files';

const stoppedSchema = z.object({
  v: z.literal(1),
  unit: z.string(),
  wasActive: z.boolean(),
  wasMasked: z.boolean(),
  /** Milliseconds since the epoch. */
  stoppedAt: z.number(),
});

/** How the agent's service was before the restore stopped it. */
export type StoppedAgent = z.infer<typeof stoppedSchema>;

/**
 * Claimed by every step that stops or starts the agent: one that wakes late must not stop an agent
 * that a later step, or the undo, has started again.
 */
export const servicesEpoch = 'services';

/** What stopAgents wrote, or undefined when it has not begun. */
export async function readStopped(directory: string): Promise<StoppedAgent | undefined> {
  const value = await readJsonFile(runFiles.services(directory));
  return value === undefined ? undefined : stoppedSchema.parse(value);
}

/** The agent's unit on this host: as configured, else as Juju names it. */
export function agentUnitOf(dependencies: ActivityDependencies, machine: string): string {
  return dependencies.config.controller.services.agent ?? agentUnit(machine);
}

/** The host's services, as configured. */
export function servicesOf(dependencies: ActivityDependencies): Services {
  return openServices(dependencies.config.controller.services);
}

/**
 * Stops and masks the agent (a reboot must not start it on half a restore), then proves that no
 * client is left on mongod but ours.
 *
 * Side effect: a stopped service. Idempotency key: the unit; how it was before is written down
 * first. Compensation: undoRestore starts it again. Retried while a foreign client is connected.
 * @throws HoldfastError HF-SERVICE-001, HF-SWAP-001, HF-FENCE-001
 */
export async function stopAgents(
  dependencies: ActivityDependencies,
  attempt: Attempt,
  ref: OperationRef,
): Promise<void> {
  const { directory } = await enterJournaled(dependencies, ref);
  const epoch = await claimEpoch(directory, servicesEpoch);
  const { signal } = attempt;
  const services = servicesOf(dependencies);
  const unit = agentUnitOf(dependencies, ref.host.machine);
  // Connected before the service goes: a mongod that cannot be reached is found while the
  // controller still serves.
  const client = await connectForRestore(dependencies, attempt, directory, 'stop-agents');
  try {
    if ((await readStopped(directory)) === undefined) {
      const state = await services.state(unit, signal);
      const stopped: StoppedAgent = {
        v: 1,
        unit,
        wasActive: state.active,
        wasMasked: state.masked,
        stoppedAt: dependencies.environment.now(),
      };
      await writeFileDurably(runFiles.services(directory), JSON.stringify(stopped));
    }
    await epoch.check();
    await services.mask(unit, signal);
    await epoch.check();
    await services.stop(unit, signal);
    await refuseForeignClients(client);
  } finally {
    await client.close();
  }
}
