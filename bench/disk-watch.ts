import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing } from '../config/durable-file';

const everyMs = 50;

/** Bytes of all files below a directory; 0 when there is none. */
export async function directorySize(directory: string): Promise<number> {
  try {
    let total = 0;
    for (const entry of await readdir(directory, { withFileTypes: true })) {
      const path = join(directory, entry.name);
      if (entry.isDirectory()) total += await directorySize(path);
      else if (entry.isFile()) total += (await lstat(path)).size;
    }
    return total;
  } catch (error) {
    // Files come and go while they are counted.
    if (isMissing(error)) return 0;
    throw error;
  }
}

async function sizeOf(directories: readonly string[]): Promise<number> {
  const sizes = await Promise.all(directories.map((directory) => directorySize(directory)));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Looks every 50 ms how much lies in some directories, and keeps the largest answer. */
export class DiskWatch {
  readonly #timer: NodeJS.Timeout;
  #peak = 0;
  #looking: Promise<void> | undefined;

  private constructor(
    private readonly directories: readonly string[],
    private readonly before: number,
  ) {
    this.#timer = setInterval(() => {
      this.#looking ??= this.#look().finally(() => (this.#looking = undefined));
    }, everyMs);
  }

  static async start(directories: readonly string[]): Promise<DiskWatch> {
    return new DiskWatch(directories, await sizeOf(directories));
  }

  /** Bytes at the most and in the end, both less what was there before. */
  async stop(): Promise<{ peak: number; end: number }> {
    clearInterval(this.#timer);
    await this.#looking;
    const end = (await sizeOf(this.directories)) - this.before;
    return { peak: Math.max(this.#peak, end), end };
  }

  async #look(): Promise<void> {
    this.#peak = Math.max(this.#peak, (await sizeOf(this.directories)) - this.before);
  }
}
