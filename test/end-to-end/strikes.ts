import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HostSteps } from '../../activities/steps';
import { until } from '../examples/until';

export type StepName = keyof HostSteps;

/** The moment inside a step: before the nth of its effects that match. */
export interface Moment {
  /** `begin`, `rename FROM TO`, `write PATH`, `mongod COMMAND DB NAME`, `service ACTION`, and so on. */
  readonly before: RegExp;
  /** From 1; the first when not given. */
  readonly nth?: number;
}

/** Signals that a host worker gives itself in the middle of its steps, each once. */
export class Strikes {
  private constructor(private readonly directory: string) {}

  static async prepare(): Promise<Strikes> {
    const strikes = new Strikes(await mkdtemp(join(tmpdir(), 'hf-strikes-')));
    await strikes.arm('SIGKILL', {});
    return strikes;
  }

  /** What a worker needs in its environment. */
  get environment(): Readonly<Record<string, string>> {
    return {
      TEST_STRIKES: this.directory,
      NODE_OPTIONS: `--require=${join(__dirname, 'strike-inside-step.cjs')}`,
    };
  }

  /** From now on these steps are struck, and no others; also those that were struck before. */
  async arm(
    signal: 'SIGKILL' | 'SIGSTOP',
    moments: Readonly<Partial<Record<StepName, Moment>>>,
  ): Promise<void> {
    const strikes: Record<string, { before: string; nth: number; signal: string }> = {};
    for (const [step, { before, nth = 1 }] of Object.entries(moments)) {
      await rm(join(this.directory, step), { force: true });
      strikes[step] = { before: before.source, nth, signal };
    }
    await writeFile(join(this.directory, 'strikes.json'), JSON.stringify(strikes));
  }

  /** Names of the steps that were struck. */
  async struck(): Promise<string[]> {
    const names = await readdir(this.directory);
    return names.filter((name) => name !== 'strikes.json').toSorted();
  }

  async awaitStrike(step: StepName): Promise<void> {
    await until(`the strike in ${step}`, async () =>
      (await this.struck()).includes(step) ? true : undefined,
    );
  }

  async remove(): Promise<void> {
    await rm(this.directory, { recursive: true });
  }
}
