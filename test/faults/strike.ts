import type { ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../examples/until';
import type { Ground } from './ground';
import { currentRun, unlessEnded, type Moment } from './moment';
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
      await until('mongod', () => writable(ground));
      return;
    case 'kill Temporal':
      await site.restartTemporal();
      return;
    case 'two attempts':
      await twoAttempts(ground, run, moment, ended);
      return;
    case 'cancel':
      if (moment.open) await unlessEnded(ground.workflow(run.kind).cancel());
      return;
    case 'terminate':
      if (moment.open) await unlessEnded(ground.workflow(run.kind).terminate('fault runner'));
      return;
    case 'workspace full':
      await full(ground, 'workspace', run, ended);
      return;
    case 'storage full':
      await full(ground, 'storage', run, ended);
      return;
  }
}

/**
 * The first worker sleeps through its timeout and wakes beside the second one's attempt: at once, in
 * a later step, or when the operation is over.
 */
async function twoAttempts(
  ground: Ground,
  run: FaultRun,
  moment: Moment,
  ended: () => boolean,
): Promise<void> {
  const { site } = ground;
  const sleeper = site.worker('host');
  sleeper.kill('SIGSTOP');
  try {
    await Promise.all([delay(heartbeatTimeout + 200), site.startWorker('host')]);
    await pollFor(2 * heartbeatTimeout, async () => {
      if (ended()) return true;
      const now = await currentRun(ground, run.kind);
      return now === undefined || !now.open || now.step !== moment.step || now.attempt > 1;
    });
    const wake = wakes[run.seed % wakes.length];
    if (wake === 'later') await delay(run.seed % 2_000);
    if (wake === 'after the end') await pollFor(20_000, () => Promise.resolve(ended()));
  } finally {
    sleeper.kill('SIGCONT');
  }
  // It may do what it was about to do, and learns from Temporal that it is late.
  await delay(1_000);
  await pollFor(2 * heartbeatTimeout, () => Promise.resolve(ended()));
  await endNow(sleeper);
}

const wakes = ['at once', 'later', 'after the end'] as const;

/** True when mongod takes writes. */
async function writable({ site }: Ground): Promise<true | undefined> {
  const client = site.database();
  try {
    const hello = await client.db('admin').command({ hello: 1 });
    return hello['isWritablePrimary'] === true ? true : undefined;
  } catch {
    // It is being started.
    return undefined;
  } finally {
    await client.close();
  }
}

async function endNow(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}

async function pollFor(milliseconds: number, ask: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + milliseconds;
  while (performance.now() < deadline && !(await ask())) await delay(20);
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
