import { setTimeout as delay } from 'node:timers/promises';
import type { Ground } from './ground';
import { currentRun, type Moment } from './moment';
import type { FaultRun } from './plan';

/** Milliseconds: the site's heartbeat timeout. */
const heartbeatTimeout = 2_000;

/**
 * Does what the run is about, and heals it as a host would: killed processes come back, a disk is
 * emptied after a while. Resolves when that is done.
 */
export async function strike(
  ground: Ground,
  run: FaultRun,
  moment: Moment,
  ended: () => boolean,
): Promise<void> {
  const { site } = ground;
  switch (run.fault) {
    case 'kill host worker':
      await site.signalWorker('host', 'SIGKILL');
      await site.startWorker('host');
      return;
    case 'kill workflow worker':
      await site.signalWorker('workflow', 'SIGKILL');
      await site.startWorker('workflow');
      return;
    case 'kill mongod':
      await site.killDatabase();
      return;
    case 'kill Temporal':
      await site.restartTemporal();
      return;
    case 'two attempts':
      await twoAttempts(ground, moment, ended);
      return;
    case 'cancel':
      if (moment.open) await unlessEnded(ground.workflow.cancel());
      return;
    case 'terminate':
      if (moment.open) await unlessEnded(ground.workflow.terminate('fault runner'));
      return;
    case 'workspace full':
      await full(ground, 'workspace', run, ended);
      return;
    case 'storage full':
      await full(ground, 'storage', run, ended);
      return;
  }
}

/** The first worker sleeps through its timeout, and wakes beside the second one's attempt. */
async function twoAttempts(ground: Ground, moment: Moment, ended: () => boolean): Promise<void> {
  const { site } = ground;
  const sleeper = site.worker('host');
  sleeper.kill('SIGSTOP');
  try {
    await Promise.all([delay(heartbeatTimeout + 200), site.startWorker('host')]);
    const deadline = performance.now() + 2 * heartbeatTimeout;
    while (!ended() && performance.now() < deadline) {
      const now = await currentRun(ground);
      if (now === undefined || !now.open || now.step !== moment.step || now.attempt > 1) break;
      await delay(20);
    }
  } finally {
    sleeper.kill('SIGCONT');
  }
  const deadline = performance.now() + 3 * heartbeatTimeout;
  while (!ended() && performance.now() < deadline) await delay(50);
  sleeper.kill('SIGKILL');
}

async function full(
  ground: Ground,
  name: 'workspace' | 'storage',
  run: FaultRun,
  ended: () => boolean,
): Promise<void> {
  const { volumes } = ground;
  if (volumes === undefined) throw new Error('no volumes that could be full');
  await volumes.fill(name, run.seed % 65_536);
  try {
    const deadline = performance.now() + 4_000;
    while (!ended() && performance.now() < deadline) await delay(50);
  } finally {
    await volumes.empty(name);
  }
}

/** An operation may end in the moment in which it is struck. */
async function unlessEnded(request: Promise<unknown>): Promise<void> {
  try {
    await request;
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'WorkflowNotFoundError') throw error;
  }
}
