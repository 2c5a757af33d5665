import { setTimeout as delay } from 'node:timers/promises';
import type { Ground } from './ground';
import { provoked, steps, type FaultRun, type Kind } from './plan';

/** How long a step may take to come, milliseconds: longer than the busiest computer needs. */
const patience = 180_000;

/** Where an operation stands. */
export interface Moment {
  readonly runId: string;
  /** Activity type that is pending; undefined between two, or when the operation has ended. */
  readonly step: string | undefined;
  readonly attempt: number;
  readonly open: boolean;
}

/** The newest run of a kind of workflow; undefined when there was none. */
export async function currentRun(ground: Ground, kind: Kind): Promise<Moment | undefined> {
  try {
    const { runId, status, raw } = await ground.workflow(kind).describe();
    const pending = raw.pendingActivities?.[0];
    return {
      runId,
      step: pending?.activityType?.name ?? undefined,
      attempt: pending?.attempt ?? 0,
      open: status.name === 'RUNNING',
    };
  } catch {
    // Nothing was started yet, or Temporal is being started again.
    return undefined;
  }
}

/**
 * Waits until a run newer than `before` is at the planned step, or has passed it: short steps can
 * be over between two looks. A step that takes a cancel to come is provoked by one.
 */
export async function awaitStep(
  ground: Ground,
  run: FaultRun,
  before: Moment | undefined,
  ended: () => boolean,
): Promise<Moment> {
  if (provoked(run) === 'by a cancel') {
    const from = cancelled[run.step] ?? [];
    const step = from[run.seed % from.length] ?? run.step;
    const moment = await reach(ground, run.kind, step, before, ended);
    if (moment.open) await unlessEnded(ground.workflow(run.kind).cancel());
  }
  return await reach(ground, run.kind, run.step, before, ended);
}

/** In which steps a cancel leads to a step. */
const cancelled: Readonly<Record<string, readonly string[]>> = {
  undoBackup: ['dumpDatabase'],
  discardRun: ['prepareRestore', 'fetchArchive', 'inspectArchive'],
  undoRestore: ['loadStaged', 'stageFiles', 'stopAgents'],
};

/** An operation may end in the moment in which something is asked of it. */
export async function unlessEnded(request: Promise<unknown>): Promise<void> {
  try {
    await request;
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'WorkflowNotFoundError') throw error;
  }
}

async function reach(
  ground: Ground,
  kind: Kind,
  step: string,
  before: Moment | undefined,
  ended: () => boolean,
): Promise<Moment> {
  const order: readonly string[] = steps[kind];
  const wanted = order.indexOf(step);
  const deadline = performance.now() + patience;
  while (performance.now() < deadline) {
    const over = ended();
    const moment = await currentRun(ground, kind);
    if (moment !== undefined && moment.runId !== before?.runId) {
      if (!moment.open) return moment;
      if (moment.step !== undefined && order.indexOf(moment.step) >= wanted) return moment;
    } else if (over) {
      throw new Error('the command ended and started nothing');
    }
    await delay(2);
  }
  throw new Error(`${step} never came`);
}
