import { execFile } from 'node:child_process';
import { mkdir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export type VolumeName = 'workspace' | 'storage';

/** Bytes; nothing is taken before it is used. */
const size = 256 * 1024 * 1024;

/** Volumes of their own for an example's workspace and storage, which can be full at once. */
export class Volumes {
  readonly #mounted = new Map<VolumeName, string>();

  /** Mounts them below the example's directory. Needs a user and mount namespace. */
  async mount(directory: string): Promise<void> {
    for (const name of ['workspace', 'storage'] as const) {
      const path = join(directory, name);
      await mkdir(path, { mode: 0o700 });
      await run('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=700`, 'holdfast-faults', path]);
      this.#mounted.set(name, path);
    }
  }

  /** From now on only about `spare` bytes are left. */
  async fill(name: VolumeName, spare: number): Promise<void> {
    const path = this.#path(name);
    for (let tries = 0; ; tries += 1) {
      const { blocks, bfree, bsize } = await statfs(path);
      try {
        await this.#resize(path, (blocks - bfree) * bsize + spare);
        return;
      } catch (error) {
        // It has grown meanwhile.
        if (tries >= 50) throw error;
      }
    }
  }

  async empty(name: VolumeName): Promise<void> {
    await this.#resize(this.#path(name), size);
  }

  async unmount(): Promise<void> {
    for (const path of this.#mounted.values()) await run('umount', ['-l', path]);
    this.#mounted.clear();
  }

  #path(name: VolumeName): string {
    const path = this.#mounted.get(name);
    if (path === undefined) throw new Error(`${name} has no volume of its own`);
    return path;
  }

  async #resize(path: string, bytes: number): Promise<void> {
    // tmpfs reads 0 as "no limit".
    const whole = Math.max(4096, Math.ceil(bytes / 4096) * 4096);
    await run('mount', ['-o', `remount,size=${whole}`, path]);
  }
}
