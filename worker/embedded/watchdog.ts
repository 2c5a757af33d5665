import { setTimeout as sleep } from 'node:timers/promises';
import { isRunning, type ProcessIdentity } from '../process-identity';
import { stopProcess } from '../stop-process';

/**
 * `node watchdog.js PID START-TIME GRACE`: ends an embedded server whose `holdfast up` was killed.
 * Stdin is a pipe from `holdfast up`: it closes when that process is gone, however it ended. The
 * workers, which notice the same, get GRACE milliseconds to drain; then the server goes. When it
 * has ended before, nothing is left to do.
 */
const [, , pid, startTime, grace] = process.argv;
if (pid === undefined || startTime === undefined || grace === undefined) {
  process.stderr.write('usage: watchdog.js PID START-TIME GRACE\n');
  process.exitCode = 2;
} else {
  // Ctrl-C and a closed terminal end `holdfast up`; this process must survive it to do its work.
  for (const signal of ['SIGINT', 'SIGHUP', 'SIGTERM'] as const) {
    process.on(signal, () => undefined);
  }
  process.stdin.resume();
  process.stdin.once('close', () => {
    void watchEnd({ pid: Number(pid), startTime }, Number(grace));
  });
}

async function watchEnd(identity: ProcessIdentity, patience: number): Promise<void> {
  for (let waited = 0; waited < patience; waited += 100) {
    if (!(await isRunning(identity))) return;
    await sleep(100);
  }
  await stopProcess(identity, 5_000);
}
