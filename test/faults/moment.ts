import { setTimeout as delay } from 'node:timers/promises';
import type { Ground } from './ground';
import { steps, type FaultRun, type Kind } from './plan';

/** Where an operation stands. */
export interface Moment {
  readonly runId: string;
  /** Activity type that is pending; undefined between two, or when the operation has ended. */
  readonly step: string | undefined;
  readonly attempt: number;
  readonly open: boolean;
}

/** The newest run of the controller's workflow; undefined when there was none. */
export async function currentRun(ground: Ground): Promise<Moment | undefined> {
  try {
    const { runId, status, raw } = await ground.workflow.describe();
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
 * be over between two looks. An undo is provoked by a cancel.
 */
export async function awaitStep(
  ground: Ground,
  run: FaultRun,
  before: Moment | undefined,
  ended: () => boolean,
): Promise<Moment> {
  if (!run.step.startsWith('undo')) return await reach(ground, run.kind, run.step, before, ended);
  const provoked = run.kind === 'backup' ? 'dumpDatabase' : restoreSteps[run.seed % 3];
  const moment = await reach(ground, run.kind, provoked ?? 'loadStaged', before, ended);
  if (moment.open) await ground.workflow.cancel();
  return await reach(ground, run.kind, run.step, before, ended);
}

const restoreSteps = ['loadStaged', 'stageFiles', 'stopAgents'] as const;

async function reach(
  ground: Ground,
  kind: Kind,
  step: string,
  before: Moment | undefined,
  ended: () => boolean,
): Promise<Moment> {
  const order: readonly string[] = steps[kind];
  const wanted = order.indexOf(step);
  const deadline = performance.now() + 60_000;
  while (performance.now() < deadline) {
    const over = ended();
    const moment = await currentRun(ground);
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
