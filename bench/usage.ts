import { readdirSync, readFileSync } from 'node:fs';

const everyMs = 20;
/** How many samples pass before children are looked for again. */
const childrenEvery = 5;
/** USER_HZ, the same on every Linux that Node.js runs on. */
const ticksPerSecond = 100;
const pageSize = 4096;

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    // The process ended between two looks.
    return undefined;
  }
}

/** Seconds; `reaped`: that of ended children too. proc(5): fields 14 to 17 of stat. */
function cpuSeconds(pid: number, reaped: boolean): number | undefined {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = fields.slice(11, reaped ? 15 : 13).reduce((sum, field) => sum + Number(field), 0);
  return ticks / ticksPerSecond;
}

/** Seconds of user and system time of one process so far. */
export function processCpu(pid: number): number {
  return cpuSeconds(pid, false) ?? 0;
}

/** Resident memory of one process, bytes; 0 when it is gone. */
export function processRss(pid: number): number {
  return Number(read(`/proc/${pid}/statm`)?.split(' ')[1] ?? 0) * pageSize;
}

function descendants(pid: number): number[] {
  let threads: string[];
  try {
    threads = readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
  const children = threads.flatMap((thread) =>
    (read(`/proc/${pid}/task/${thread}/children`) ?? '').split(' ').filter(Boolean).map(Number),
  );
  return children.flatMap((child) => [child, ...descendants(child)]);
}

/** What processes took between two moments. */
export interface Usage {
  /** Seconds of user and system time. */
  readonly cpu: number;
  /** Largest sum of resident memory, bytes. */
  readonly rss: number;
}

/** Watches processes and all that they start, by looking into /proc every 20 ms. */
export class UsageWatch {
  readonly #trees = new Map<number, { pids: number[]; first: number; last: number }>();
  readonly #timer: NodeJS.Timeout;
  #rss = 0;
  #looks = 0;

  constructor(roots: readonly number[]) {
    for (const pid of roots) this.#trees.set(pid, { pids: [pid], first: 0, last: 0 });
    this.#look();
    for (const tree of this.#trees.values()) tree.first = tree.last;
    this.#timer = setInterval(() => this.#look(), everyMs);
  }

  /** A process that was started for what is being watched: all of its time counts. */
  add(pid: number): void {
    this.#trees.set(pid, { pids: [pid], first: 0, last: 0 });
  }

  stop(): Usage {
    clearInterval(this.#timer);
    this.#look();
    const trees = [...this.#trees.values()];
    return { cpu: trees.reduce((sum, { first, last }) => sum + last - first, 0), rss: this.#rss };
  }

  #look(): void {
    const grown = this.#looks % childrenEvery === 0;
    this.#looks += 1;
    let rss = 0;
    for (const [root, tree] of this.#trees) {
      if (grown) tree.pids = [root, ...descendants(root)];
      let cpu = 0;
      for (const pid of tree.pids) {
        cpu += cpuSeconds(pid, true) ?? 0;
        rss += processRss(pid);
      }
      // Of a process that has ended the last look counts.
      tree.last = Math.max(tree.last, cpu);
    }
    this.#rss = Math.max(this.#rss, rss);
  }
}
