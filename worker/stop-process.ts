import { setTimeout as sleep } from 'node:timers/promises';
import { hasCode } from './error-code';
import { isRunning, type ProcessIdentity } from './process-identity';

const interval = 50;

/**
 * Ends a process that need not be a child of this one: SIGTERM, then SIGKILL when it still runs
 * after `grace` milliseconds. Never touches another process that has got its pid.
 */
export async function stopProcess(identity: ProcessIdentity, grace: number): Promise<void> {
  for (const [signal, patience] of [
    ['SIGTERM', grace],
    ['SIGKILL', 5_000],
  ] as const) {
    if (!(await isRunning(identity))) return;
    send(identity.pid, signal);
    for (let waited = 0; waited < patience; waited += interval) {
      if (!(await isRunning(identity))) return;
      await sleep(interval);
    }
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!hasCode(error, 'ESRCH')) throw error;
  }
}
