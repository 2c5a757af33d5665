import { kill, stdin } from 'node:process';

/**
 * Outlives a supervisor that was killed, just long enough to kill its children: it reads `+pid` and
 * `-pid` lines from the supervisor, and when that pipe closes it kills what is left.
 */
if (require.main === module) {
  const pids = new Set<number>();
  let rest = '';
  stdin.setEncoding('utf8');
  stdin.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const pid = Number(line.slice(1));
      if (line.startsWith('+')) pids.add(pid);
      else pids.delete(pid);
    }
  });
  stdin.on('end', () => {
    for (const pid of pids) {
      try {
        kill(pid, 'SIGKILL');
      } catch {
        // It has ended by itself.
      }
    }
  });
  // Ctrl-C reaches the whole group; the supervisor needs us until it has ended.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => undefined);
}
