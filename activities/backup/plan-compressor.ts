import { availableParallelism } from 'node:os';
import { compressorOf, type Compressor } from '../../archive/compressor';
import type { Plan } from '../../core/operation';
import type { Attempt } from '../step';

/** What makes the gzip members of a backup; warns when `igzip` was asked for and cannot be run. */
export function planCompressor(plan: Plan, attempt: Attempt): Compressor {
  const { compressor: program, level } = plan;
  const atOnce = availableParallelism() + 1;
  return compressorOf({ program, level, atOnce }, (reason) =>
    attempt.warn('igzip cannot be run, zlib compresses in its place', { reason }),
  );
}
