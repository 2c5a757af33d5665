import { link, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HoldfastError } from '../../core/errors';
import { hasCode } from '../error-code';
import { identifyProcess, isRunning, type ProcessIdentity } from '../process-identity';

interface Owner extends ProcessIdentity {
  readonly v: 1;
  /** ISO 8601. */
  readonly started: string;
}

const lockName = /^up\.lock\.(\d+)$/;
const released = '{"v":1,"released":true}\n';

/**
 * The state directory of an embedded Temporal server, owned by one process at a time: two servers
 * on one database file both answer, and lose work.
 *
 * The lock is a row of files `up.lock.N`; the highest one counts. It names its owner's pid and start
 * time, so it is stale as soon as that process is gone, however it ended. A stale or released one
 * is never removed or changed by another process, which would let two processes remove each
 * other's: its successor `up.lock.N+1` is made with O_EXCL semantics, so exactly one gets it.
 */
export class StateDirectory {
  private constructor(
    readonly path: string,
    private readonly number: number,
  ) {}

  /**
   * Takes the directory, which is made with mode 0700 when missing.
   * @param now milliseconds since the epoch.
   * @throws HoldfastError HF-TEMPORAL-004 while another process owns it.
   */
  static async take(path: string, pid: number, now: number): Promise<StateDirectory> {
    await mkdir(path, { recursive: true, mode: 0o700 });
    const self = await identifyProcess(pid);
    if (self === undefined) throw new Error(`process ${pid} cannot be identified`);
    const owner: Owner = { v: 1, ...self, started: new Date(now).toISOString() };
    const content = join(path, `up.claim.${pid}`);
    await writeFile(content, `${JSON.stringify(owner)}\n`, { mode: 0o600 });
    try {
      return new StateDirectory(path, await claim(path, content));
    } finally {
      await rm(content, { force: true });
    }
  }

  get database(): string {
    return join(this.path, 'temporal.db');
  }

  get serverLog(): string {
    return join(this.path, 'temporal.log');
  }

  get workerLog(): string {
    return join(this.path, 'workers.log');
  }

  /** What is known of the server, see `server-record.ts`. */
  get serverRecord(): string {
    return join(this.path, 'server.json');
  }

  /** @throws HoldfastError HF-TEMPORAL-004 when the lock has come to another process. */
  async requireOwned(): Promise<void> {
    const highest = await highestLock(this.path);
    if (highest !== this.number) throw inUse(this.path, await readOwner(this.path, highest));
  }

  /** Gives the directory back. */
  async release(): Promise<void> {
    const next = join(this.path, `up.released.${this.number}`);
    await writeFile(next, released, { mode: 0o600 });
    await rename(next, lockFile(this.path, this.number));
  }
}

/** @returns the number of the lock that was taken. */
async function claim(path: string, content: string): Promise<number> {
  for (;;) {
    const highest = await highestLock(path);
    const owner = await readOwner(path, highest);
    if (owner !== undefined && (await isRunning(owner))) throw inUse(path, owner);
    const number = highest + 1;
    // As O_EXCL, but the lock is never seen without its content.
    if (!(await linked(content, lockFile(path, number)))) continue;
    if ((await highestLock(path)) === number) {
      await removeBelow(path, number);
      return number;
    }
    // The directory was read before others took it, and their lower locks were removed already.
    await rm(lockFile(path, number), { force: true });
  }
}

function lockFile(path: string, number: number): string {
  return join(path, `up.lock.${number}`);
}

async function lockNumbers(path: string): Promise<number[]> {
  const names = await readdir(path);
  return names.flatMap((name) => {
    const number = lockName.exec(name)?.[1];
    return number === undefined ? [] : [Number(number)];
  });
}

/** 0 where there is none. */
async function highestLock(path: string): Promise<number> {
  return Math.max(0, ...(await lockNumbers(path)));
}

async function removeBelow(path: string, number: number): Promise<void> {
  for (const lower of await lockNumbers(path)) {
    if (lower < number) await rm(lockFile(path, lower), { force: true });
  }
}

/** Undefined for a lock that is released, gone, or nothing that this program wrote. */
async function readOwner(path: string, number: number): Promise<Owner | undefined> {
  let owner: unknown;
  try {
    owner = JSON.parse(await readFile(lockFile(path, number), 'utf8'));
  } catch (error) {
    if (hasCode(error, 'ENOENT') || error instanceof SyntaxError) return undefined;
    throw error;
  }
  return isOwner(owner) ? owner : undefined;
}

function inUse(directory: string, owner: Owner | undefined): HoldfastError {
  return new HoldfastError('HF-TEMPORAL-004', {
    directory,
    pid: owner?.pid ?? '-',
    started: owner?.started ?? '-',
  });
}

function isOwner(value: unknown): value is Owner {
  return (
    typeof value === 'object' &&
    value !== null &&
    'pid' in value &&
    typeof value.pid === 'number' &&
    'startTime' in value &&
    typeof value.startTime === 'string' &&
    'started' in value &&
    typeof value.started === 'string'
  );
}

async function linked(content: string, lock: string): Promise<boolean> {
  try {
    await link(content, lock);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}
