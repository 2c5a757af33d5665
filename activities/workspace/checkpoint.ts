import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { z } from 'zod';
import { readJsonFile, writeFileDurably } from '../../config/durable-file';
import type { Epoch } from './epoch';

const checkpointPattern = /^checkpoint-(\d+)\.json$/;

/** Makes an attempt's state durable, unless a newer attempt has begun. @throws HoldfastError HF-FENCE-001 */
export async function writeCheckpoint(epoch: Epoch, state: unknown): Promise<void> {
  await epoch.check();
  await writeFileDurably(epoch.own('checkpoint', '.json'), JSON.stringify(state));
}

/** The newest checkpoint of an older attempt, or undefined when there is none. Read once, when an attempt begins. */
export async function readCheckpoint<T>(
  epoch: Epoch,
  schema: z.ZodType<T>,
): Promise<T | undefined> {
  const older = (await readdir(epoch.directory))
    .flatMap((name) => {
      const match = checkpointPattern.exec(name);
      return match?.[1] === undefined ? [] : [Number(match[1])];
    })
    .filter((number) => number < epoch.number)
    .sort((a, b) => b - a);
  const newest = older[0];
  if (newest === undefined) return undefined;
  return schema.parse(await readJsonFile(join(epoch.directory, `checkpoint-${newest}.json`)));
}
