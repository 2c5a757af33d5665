import { lstat, mkdir, readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode, isMissing, syncDirectory } from '../../config/durable-file';
import { HoldfastError, errorText } from '../../core/errors';

/**
 * The directory of mode 0700 on the host where operations keep what a retry needs:
 * `operation.json` (the journal), `host.json`, and one directory a run under `runs/`.
 */
export class Workspace {
  constructor(readonly path: string) {}

  get journalPath(): string {
    return join(this.path, 'operation.json');
  }

  get hostPath(): string {
    return join(this.path, 'host.json');
  }

  run(runId: string): string {
    return join(this.path, 'runs', runId);
  }

  /** Creates what is missing. @throws HoldfastError HF-WORKSPACE-001 when others could read or write it. */
  async ensure(): Promise<void> {
    try {
      await mkdir(join(this.path, 'runs'), { recursive: true, mode: 0o700 });
    } catch (error) {
      throw unusable(this.path, errorText(error), error);
    }
    const stat = await lstat(this.path);
    const problem = workspaceProblem(stat.isDirectory(), stat.mode, stat.uid, process.getuid?.());
    if (problem !== undefined) throw unusable(this.path, problem);
  }

  async ensureRun(runId: string): Promise<string> {
    await this.ensure();
    const directory = this.run(runId);
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await syncDirectory(join(this.path, 'runs'));
    return directory;
  }

  /**
   * As ensureRun, for a run that can be over: `requireWanted` is asked when the directory is there,
   * since an answer from before can be old when a stopped process acts on it. Refused, it is taken
   * back, unless something is in it.
   * @throws what requireWanted throws.
   */
  async ensureWantedRun(runId: string, requireWanted: () => Promise<void>): Promise<string> {
    const directory = await this.ensureRun(runId);
    try {
      await requireWanted();
    } catch (error) {
      await rmdir(directory).catch((cause: unknown) => {
        if (errorCode(cause) !== 'ENOTEMPTY' && !isMissing(cause)) throw cause;
      });
      throw error;
    }
    return directory;
  }

  /**
   * The directory of a run that has one: never made again, since an attempt can wake when its run is over.
   * @throws HoldfastError HF-WORKSPACE-001 when it is gone.
   */
  async requireRun(runId: string): Promise<string> {
    const directory = this.run(runId);
    const found = await lstat(directory).catch(goneIfMissing(directory));
    if (!found.isDirectory()) throw unusable(directory, 'it is not a directory');
    return directory;
  }

  /** Idempotent. */
  async removeRun(runId: string): Promise<void> {
    await rm(this.run(runId), { recursive: true, force: true });
  }

  /** Ids of the runs that have a directory here. */
  async runs(): Promise<readonly string[]> {
    try {
      return await readdir(join(this.path, 'runs'));
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  }
}

/**
 * Directory of a step in that of its run, made when it is missing; the run's is not.
 * @throws HoldfastError HF-WORKSPACE-001 when the run's directory is gone.
 */
export async function stepDirectory(runDirectory: string, step: string): Promise<string> {
  const directory = join(runDirectory, step);
  try {
    await mkdir(directory, { mode: 0o700 });
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') goneIfMissing(runDirectory)(error);
  }
  return directory;
}

function goneIfMissing(path: string): (error: unknown) => never {
  return (error) => {
    if (!isMissing(error)) throw error;
    throw unusable(path, 'it is gone: its run is over, or somebody removed it', error);
  };
}

function unusable(path: string, reason: string, cause?: unknown): HoldfastError {
  return new HoldfastError('HF-WORKSPACE-001', { path, reason }, { cause });
}

function workspaceProblem(
  isDirectory: boolean,
  mode: number,
  owner: number,
  user: number | undefined,
): string | undefined {
  if (!isDirectory) return 'it is not a directory';
  if ((mode & 0o077) !== 0) return `its mode is ${(mode & 0o777).toString(8)}`;
  if (user !== undefined && owner !== user) return `it belongs to user ${owner}`;
  return undefined;
}
