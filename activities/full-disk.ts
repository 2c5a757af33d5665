import { dirname } from 'node:path';
import type { HostSteps } from './steps';
import { errorCode } from '../config/durable-file';
import { HoldfastError, isHoldfastError } from '../core/errors';
import { describeBytes, freeSpace } from './disk-space';

/**
 * Steps that lead back, or to the end of what can't be undone any more: given up for want of space they
 * would leave a host between two states, so they wait for it.
 */
const neverGivenUp: ReadonlySet<string> = new Set<keyof HostSteps>([
  'finishBackup',
  'undoBackup',
  'finishRestore',
  'undoRestore',
  'discardRun',
]);

/**
 * What a step failed with, when a full volume (or a used up quota) is at the bottom of it: HF-DISK-001,
 * which ends the operation, or HF-DISK-002 for a step that must not be given up. Any other error as it
 * is.
 * @param workspace where the step writes, when the error itself doesn't say
 */
export async function orFullDisk(
  error: unknown,
  step: string,
  workspace: string,
): Promise<unknown> {
  const full = fullDiskCause(error);
  if (full === undefined || isHoldfastError(error, 'HF-DISK-002')) return error;
  if (isHoldfastError(error, 'HF-DISK-001') && !neverGivenUp.has(step)) return error;
  const where = placeOf(error, full, workspace);
  const free = await freeSpace(where).then(
    (volume) => describeBytes(volume.free),
    () => 'too little',
  );
  const options = { cause: error };
  return neverGivenUp.has(step)
    ? new HoldfastError('HF-DISK-002', { path: where, free, step }, options)
    : new HoldfastError('HF-DISK-001', { path: where, free, need: 'more', what: step }, options);
}

interface FullDisk {
  /** Absent where the call that failed knew only a descriptor. */
  readonly path?: string;
}

function fullDiskCause(error: unknown): FullDisk | undefined {
  const seen = new Set<unknown>();
  let next = error;
  while (typeof next === 'object' && next !== null && !seen.has(next)) {
    seen.add(next);
    if (['ENOSPC', 'EDQUOT'].includes(errorCode(next) ?? '')) {
      return 'path' in next && typeof next.path === 'string' ? { path: next.path } : {};
    }
    next = 'cause' in next ? next.cause : undefined;
  }
  return undefined;
}

function placeOf(error: unknown, full: FullDisk, workspace: string): string {
  if (isHoldfastError(error, 'HF-DISK-001')) return String(error.params['path']);
  if (full.path === undefined || full.path.startsWith(`${workspace}/`)) return workspace;
  return dirname(full.path);
}
