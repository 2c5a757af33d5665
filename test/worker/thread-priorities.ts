import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** Niceness of a thread: field 19 of its stat (proc_pid_stat(5)), counted after the command's name. */
function niceness(stat: string): string {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16] ?? '';
}

/** What Linux says of each thread of a process: `nice 7, idle`. */
export function threadPriorities(pid: number): string[] {
  return readdirSync(`/proc/${pid}/task`).map((thread) => {
    const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8');
    const ioClass = execFileSync('ionice', ['-p', thread], { encoding: 'utf8' }).trim();
    return `nice ${niceness(stat)}, ${ioClass}`;
  });
}
