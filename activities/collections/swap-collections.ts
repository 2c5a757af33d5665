import type { OperationRef } from '../../core/operation';
import { swapDatabase } from '../../mongo/swap';
import { prepareAddition } from '../../mongo/swap-prepare';
import { applyTtl } from '../../mongo/ttl';
import type { ActivityDependencies } from '../dependencies';
import { enterJournaled } from '../operation';
import { connectForRestore } from '../restore/restore-access';
import { loadResult } from '../restore/stage-results';
import type { Attempt } from '../step';
import { claimEpoch } from '../workspace/epoch';
import { advanceJournal } from '../workspace/journal';
import { requestOf } from './chosen';

/**
 * Gives the stages their names, and TTL indexes their own values. What has such a name goes to
 * `hf-old.<n>` where it is to be replaced. Nothing else on the server is touched.
 *
 * Side effect: a swap journal in mongod, the host's journal, renames. Idempotency key: the
 * collections' UUIDs say where each is. Checkpoint: the same. Compensation: undoRestore, the renames
 * backwards. Retried without limit.
 * @throws HoldfastError HF-PREFLIGHT-001 when a name was taken meanwhile, HF-SWAP-002, HF-FENCE-001
 */
export async function swapCollections(
  dependencies: ActivityDependencies,
  attempt: Attempt,
  ref: OperationRef,
): Promise<{ replaced: number }> {
  const { workspace, directory } = await enterJournaled(dependencies, ref);
  const epoch = await claimEpoch(directory, 'swap');
  const { signal, progress } = attempt;
  const { plan } = await loadResult.read(directory);
  const client = await connectForRestore(dependencies, attempt, directory, 'swap');
  const options = { client, runId: ref.runId, signal };
  try {
    await epoch.check();
    // First: a name that was taken meanwhile refuses it while there is nothing to go back from.
    const { replaced } = await prepareAddition(options, plan, requestOf(ref));
    await epoch.check();
    await advanceJournal(workspace, ref, 'past-no-return');
    await swapDatabase({
      ...options,
      onProgress: ({ done, total }) => {
        progress.expect(total);
        progress.advance(done);
      },
    });
    await progress.during(applyTtl(options, plan));
    return { replaced };
  } finally {
    await client.close();
  }
}
