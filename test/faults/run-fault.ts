import { setTimeout as delay } from 'node:timers/promises';
import type { CommandResult } from '../end-to-end/site';
import { SeededRandom } from '../../examples/controller/seeded-random';
import type { Ground } from './ground';
import { awaitStep, currentRun, type Moment } from './moment';
import { provoked, type FaultRun } from './plan';
import { strike } from './strike';

/** How a run ended. Everything but `failed` is allowed. */
export type Outcome =
  | 'complete'
  | 'as it was'
  | 'compensated by the next'
  | 'finished by --resume'
  | 'undone by --rollback'
  | 'failed';

export interface Verdict {
  readonly run: FaultRun;
  readonly outcome: Outcome;
  /** The step that was under way when it was struck; undefined when the operation had ended. */
  readonly struck: string | undefined;
  /** Why it failed. */
  readonly problems: readonly string[];
  /** The code the operation ended with, if any. */
  readonly code: string | undefined;
  /** Milliseconds. */
  readonly took: number;
}

/** How long an operation may take after a strike, milliseconds. */
const patience = 300_000;

/** Runs one operation, strikes it, and judges what became of it. The ground is as before afterwards, unless it failed. */
export async function runFault(ground: Ground, run: FaultRun): Promise<Verdict> {
  const began = performance.now();
  const { site } = ground;
  const known = new Set(await ground.backups());
  const before = await currentRun(ground, run.kind);
  const running = site.begin(...command(ground, run));
  let ended = false;
  void running.result.then(() => (ended = true));
  let moment: Moment | undefined;
  let judged: Judged;
  try {
    moment = await awaitStep(ground, run, before, () => ended);
    await delay(run.delay);
    const healed = strike(ground, run, moment, () => ended);
    const result = await settled(
      ground,
      Promise.all([running.result, healed]).then(([r]) => r),
    );
    judged = await judge(ground, run, result, known);
  } catch (error) {
    judged = { outcome: 'failed', problems: [String(error)] };
  }
  for (const each of await ground.backups()) if (!known.has(each)) await ground.forget(each);
  return {
    run,
    struck: moment?.step,
    code: undefined,
    ...judged,
    took: performance.now() - began,
  };
}

function command({ backupId }: Ground, run: FaultRun): readonly string[] {
  switch (run.kind) {
    case 'backup':
      return ['create', '--quiet'];
    case 'restore':
      return ['restore', backupId, provoked(run) === 'by --plan' ? '--plan' : '--yes'];
    case 'verify':
      return ['verify', backupId];
  }
}

type Judged = Pick<Verdict, 'outcome' | 'problems'> & { readonly code?: string | undefined };

/** Waits for an operation's end; a worker that ended by itself is started again, as its parent does. */
export async function settled<T>(ground: Ground, result: Promise<T>): Promise<T> {
  const { site } = ground;
  const deadline = performance.now() + patience;
  let over = false;
  const end = (): void => void (over = true);
  void result.then(end, end);
  const goesOn = (): boolean => !over && performance.now() < deadline;
  while (goesOn()) {
    for (const role of ['workflow', 'host'] as const) {
      if (!site.workerLives(role) && !site.starting(role)) await site.startWorker(role);
    }
    await delay(100);
  }
  if (!over) throw new Error(`the operation has not ended ${patience / 1000} s after the strike`);
  return await result;
}

async function judge(
  ground: Ground,
  run: FaultRun,
  result: CommandResult,
  known: ReadonlySet<string>,
): Promise<Judged> {
  const code = /\[(HF-[A-Z]+-\d+)\]/.exec(result.stderr)?.[1];
  if (result.status === 0) {
    const problems = await completeness(ground, run, result);
    return { outcome: problems.length > 0 ? 'failed' : 'complete', problems, code };
  }
  if (run.fault === 'terminate') return { code, ...(await afterTerminate(ground, run)) };
  const problems = await ground.differences(ground.present);
  for (const id of await ground.backups()) {
    if (!known.has(id)) problems.push(`a backup that failed is in the storage: ${id}`);
  }
  if (!explains(run, code, result.stderr)) problems.push('what ended it is not said');
  if (problems.length > 0) problems.push(result.stderr);
  return { outcome: problems.length > 0 ? 'failed' : 'as it was', problems, code };
}

/** Whether a failure has a code, and after a full disk says so; a preflight says it in its table. */
function explains(run: FaultRun, code: string | undefined, text: string): boolean {
  if (provoked(run) === 'by a cancel' || !run.fault.endsWith(' full')) return code !== undefined;
  return /HF-DISK-\d|are needed for/.test(text);
}

/** What an operation that says it is done must have done. */
async function completeness(
  ground: Ground,
  run: FaultRun,
  result: CommandResult,
): Promise<string[]> {
  if (run.kind === 'restore' && provoked(run) !== 'by --plan') {
    const problems = await ground.differences(ground.saved);
    if (problems.length === 0) await ground.changeAgain();
    return problems;
  }
  const problems = await ground.differences(ground.present);
  if (run.kind !== 'backup') return problems;
  const verified = await ground.site.holdfast('verify', result.stdout.trim());
  if (verified.status !== 0) problems.push(verified.stderr);
  return problems;
}

/**
 * After a Terminate the next verification has nothing to undo. Any other next operation either compensates and proceeds, or refuses and names the two
 * ways out, of which one is taken.
 */
async function afterTerminate(ground: Ground, run: FaultRun): Promise<Judged> {
  const { site } = ground;
  if (run.kind === 'verify') {
    const again = await site.holdfast('verify', ground.backupId);
    const problems = await ground.differences(ground.present);
    if (again.status !== 0) problems.push(again.stderr);
    return { outcome: problems.length > 0 ? 'failed' : 'as it was', problems };
  }
  const next = await site.holdfast('create', '--quiet');
  if (next.status === 0) {
    const problems = await ground.differences(ground.present);
    if (problems.length === 0) return { outcome: 'compensated by the next', problems };
    if (run.kind === 'restore' && (await ground.differences(ground.saved)).length === 0) {
      await ground.changeAgain();
      return { outcome: 'complete', problems: [] };
    }
    return { outcome: 'failed', problems };
  }
  const named = ['[HF-LOCK-002]', '--resume', '--rollback'].filter(
    (text) => !next.stderr.includes(text),
  );
  if (next.status !== 11 || named.length > 0) {
    return { outcome: 'failed', problems: [`the next create: ${next.status}`, next.stderr] };
  }
  if (new SeededRandom(run.seed).below(2) === 0) {
    const back = await site.holdfast('restore', '--rollback', '--yes');
    if (back.status === 0) {
      const problems = await ground.differences(ground.present);
      return { outcome: problems.length > 0 ? 'failed' : 'undone by --rollback', problems };
    }
    // What was before is being removed already: there is only the way forward.
    if (back.status !== 11) return { outcome: 'failed', problems: [back.stderr] };
  }
  const forth = await site.holdfast('restore', '--resume', '--yes');
  if (forth.status !== 0) return { outcome: 'failed', problems: [forth.stderr] };
  const problems = await ground.differences(ground.saved);
  if (problems.length === 0) await ground.changeAgain();
  return { outcome: problems.length > 0 ? 'failed' : 'finished by --resume', problems };
}
