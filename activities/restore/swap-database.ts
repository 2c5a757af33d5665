import type { OperationRef } from '../../core/operation';
import { swapDatabase as swap } from '../../mongo/swap';
import { prepareSwap } from '../../mongo/swap-prepare';
import type { ActivityDependencies } from '../dependencies';
import { enterJournaled } from '../operation';
import type { Attempt } from '../step';
import { claimEpoch } from '../workspace/epoch';
import { advanceJournal } from '../workspace/journal';
import { loadResult } from './stage-results';
import { connectForRestore } from './restore-access';

/**
 * The point of no return, and the swap of every collection: live aside, stage to live.
 *
 * Side effect: the journal says so first; a swap journal in mongod; renames. Idempotency key: the
 * collections' UUIDs say where each is. Checkpoint: the same. Compensation: undoRestore, the
 * renames backwards. Retried without limit.
 * @throws HoldfastError HF-SWAP-002, HF-FENCE-001
 */
export async function swapDatabase(
  dependencies: ActivityDependencies,
  attempt: Attempt,
  ref: OperationRef,
): Promise<void> {
  const { workspace, directory } = await enterJournaled(dependencies, ref);
  const epoch = await claimEpoch(directory, 'swap');
  const { signal, progress } = attempt;
  const { plan } = await loadResult.read(directory);
  const client = await connectForRestore(dependencies, attempt, directory, 'swap');
  try {
    await epoch.check();
    await advanceJournal(workspace, ref, 'past-no-return');
    await prepareSwap({ client, runId: ref.runId, signal }, plan);
    await swap({
      client,
      runId: ref.runId,
      signal,
      onProgress: ({ done, total }) => {
        progress.expect(total);
        progress.advance(done);
      },
    });
  } finally {
    await client.close();
  }
}
