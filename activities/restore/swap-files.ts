import { swapFiles as swap } from '../../controller/swap-files';
import type { OperationRef } from '../../core/operation';
import type { ActivityDependencies } from '../dependencies';
import { enterJournaled } from '../operation';
import type { Attempt } from '../step';
import { runFiles } from './run-files';

/**
 * Swaps the files: what is there aside, what was staged in, one rename each.
 *
 * Side effect: renames. Idempotency key: the list in the run directory. Compensation: undoRestore.
 * Retried without limit.
 * @throws HoldfastError HF-FILES-001
 */
export async function swapFiles(
  dependencies: ActivityDependencies,
  _attempt: Attempt,
  ref: OperationRef,
): Promise<void> {
  const { directory } = await enterJournaled(dependencies, ref);
  await swap(runFiles.fileSwap(directory));
}
