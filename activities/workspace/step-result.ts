import { join } from 'node:path';
import { z } from 'zod';
import { readJsonFile, writeFileDurably } from '../../config/durable-file';
import { stepDirectory } from './workspace';

const versionSchema = z.looseObject({ v: z.literal(1) });

/**
 * What a finished step leaves for the steps after it: `<run>/<step>/result.json`, written once, so
 * that a step tried again after its answer was lost finds its work done. The file carries `v: 1`;
 * one with another number, or none, is refused.
 */
export class StepResult<T extends object> {
  constructor(
    private readonly step: string,
    private readonly schema: z.ZodType<T>,
  ) {}

  path(runDirectory: string): string {
    return join(runDirectory, this.step, 'result.json');
  }

  async find(runDirectory: string): Promise<T | undefined> {
    const value = await readJsonFile(this.path(runDirectory));
    if (value === undefined) return undefined;
    versionSchema.parse(value);
    return this.schema.parse(value);
  }

  /** @throws HoldfastError HF-WORKSPACE-001 when the run is over and its directory gone. */
  async write(runDirectory: string, value: T): Promise<void> {
    await stepDirectory(runDirectory, this.step);
    await writeFileDurably(this.path(runDirectory), JSON.stringify({ ...value, v: 1 }));
  }

  /** @throws Error when the step has not finished: the steps run in order, so this is a defect. */
  async read(runDirectory: string): Promise<T> {
    const value = await this.find(runDirectory);
    if (value === undefined)
      throw new Error(`step ${this.step} has left no result in ${runDirectory}`);
    return value;
  }
}
