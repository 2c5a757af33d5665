import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode, isMissing, syncDirectory } from '../../config/durable-file';
import { HoldfastError } from '../../core/errors';
import { stepDirectory } from './workspace';

const claimPattern = /^epoch-(\d+)$/;

/**
 * One attempt's right to write. Two attempts of a step can run at once (a worker that was stopped
 * and goes on, a lost heartbeat), so each writes only files that carry its own epoch, and stops
 * when it sees a newer one.
 */
export class Epoch {
  constructor(
    readonly step: string,
    readonly number: number,
    /** Directory of the step: claims, segments and checkpoints. */
    readonly directory: string,
  ) {}

  /** Name of a file that only this attempt writes. */
  own(name: string, extension = ''): string {
    return join(this.directory, `${name}-${this.number}${extension}`);
  }

  /** @throws HoldfastError HF-FENCE-001 when a newer attempt has begun, or the run's directory is gone. */
  async check(): Promise<void> {
    const newest = (await this.#newest()) ?? this.number;
    if (newest > this.number) {
      throw new HoldfastError('HF-FENCE-001', {
        mine: this.number,
        newer: newest,
        step: this.step,
      });
    }
  }

  async #newest(): Promise<number | undefined> {
    try {
      return (await claims(this.directory)).at(-1);
    } catch (error) {
      // The whole run is over.
      if (isMissing(error)) return this.number + 1;
      throw error;
    }
  }
}

/**
 * Claims the next epoch of a step in a run's directory; of two attempts asking at once each gets its own.
 * @throws HoldfastError HF-WORKSPACE-001 when the run is over and its directory gone.
 */
export async function claimEpoch(runDirectory: string, step: string): Promise<Epoch> {
  const directory = await stepDirectory(runDirectory, step);
  for (;;) {
    const number = ((await claims(directory)).at(-1) ?? 0) + 1;
    try {
      const claim = await open(join(directory, `epoch-${number}`), 'wx', 0o600);
      await claim.close();
      await syncDirectory(directory);
      return new Epoch(step, number, directory);
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error;
    }
  }
}

async function claims(directory: string): Promise<number[]> {
  const numbers = (await readdir(directory)).flatMap((name) => {
    const match = claimPattern.exec(name);
    return match?.[1] === undefined ? [] : [Number(match[1])];
  });
  return numbers.sort((a, b) => a - b);
}
