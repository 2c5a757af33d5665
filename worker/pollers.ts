import type { WorkflowService } from '@temporalio/client';

/** What both kinds of connection offer. */
export interface ServiceConnection {
  readonly workflowService: WorkflowService;
}

/** A worker that polls a queue, as the server knows it. */
export interface Poller {
  readonly identity: string;
  /** When it polled last, milliseconds since the epoch. */
  readonly lastPoll: number;
}

/** temporal.api.enums.v1.TaskQueueType */
const queueTypes = { workflow: 1, activity: 2 } as const;

/**
 * A poll is answered after a minute at the latest and the next one follows at once; a poller that
 * was not heard of for longer is gone, though the server lists it for five minutes.
 */
const alive = 75_000;

/** Who polled a queue lately, the latest first; among them those that have gone since. */
export async function pollersOf(
  { workflowService }: ServiceConnection,
  namespace: string,
  queue: string,
  kind: keyof typeof queueTypes,
): Promise<readonly Poller[]> {
  const { pollers } = await workflowService.describeTaskQueue({
    namespace,
    taskQueue: { name: queue },
    // oxlint-disable-next-line typescript/no-unsafe-enum-assignment -- no package of ours exports the enum
    taskQueueType: queueTypes[kind],
  });
  return (pollers ?? [])
    .map(({ identity, lastAccessTime }) => ({
      identity: identity ?? '',
      lastPoll: Number(lastAccessTime?.seconds ?? 0) * 1_000 + (lastAccessTime?.nanos ?? 0) / 1e6,
    }))
    .sort((one, other) => other.lastPoll - one.lastPoll);
}

/** Whether a poller can be counted on at `now` (milliseconds since the epoch). */
export function isAlive(poller: Poller, now: number): boolean {
  return now - poller.lastPoll < alive;
}

/** Whether the process of that identity polls the queue, for work of either kind. */
export async function isPolled(
  connection: ServiceConnection,
  namespace: string,
  queue: string,
  identity: string,
): Promise<boolean> {
  for (const kind of ['activity', 'workflow'] as const) {
    const pollers = await pollersOf(connection, namespace, queue, kind);
    if (pollers.some((poller) => poller.identity === identity)) return true;
  }
  return false;
}
