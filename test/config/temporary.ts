import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Environment } from '../../config/environment';

/** A directory for one test; everything in it goes when the test ends. */
export class Temporary {
  private constructor(readonly path: string) {}

  static async create(): Promise<Temporary> {
    return new Temporary(await mkdtemp(join(tmpdir(), 'holdfast-config-')));
  }

  async write(name: string, content: string, mode = 0o600): Promise<string> {
    const path = join(this.path, name);
    await writeFile(path, content);
    await chmod(path, mode);
    return path;
  }

  async remove(): Promise<void> {
    await rm(this.path, { recursive: true });
  }
}

/** An environment in which nothing is set. */
export function bareEnvironment(changes: Partial<Environment> = {}): Environment {
  return {
    variables: {},
    cwd: '/nowhere',
    home: '/nowhere/home',
    hostname: 'host',
    machineId: undefined,
    uid: process.geteuid?.() ?? 0,
    pid: 1,
    now: () => 0,
    ...changes,
  };
}
