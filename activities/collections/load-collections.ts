import type { OperationRef } from '../../core/operation';
import type { ActivityDependencies } from '../dependencies';
import { enterJournaled } from '../operation';
import { loadStages } from '../restore/stage-loading';
import type { Attempt } from '../step';
import type { LoadSummary } from '../steps';
import { openChosen } from './chosen-content';

/**
 * Loads what was chosen into stages, beside everything that is on the server: data, oplog window,
 * indexes, and the proof that they are what the source holds.
 *
 * Side effect: `hf-stage.*` collections, `holdfast.progress`, a user for this attempt. Idempotency
 * key: run id and epoch; the next attempt drops this one's user first, so it cannot go on writing.
 * Checkpoint: progress documents, majority committed. Compensation: undoRestore. Timeouts: the
 * heartbeat, which stops when no batch is acknowledged.
 * @throws HoldfastError HF-LOAD-001, -002, HF-REPLAY-001, -002, HF-FENCE-001
 */
export async function loadCollections(
  dependencies: ActivityDependencies,
  attempt: Attempt,
  ref: OperationRef,
): Promise<LoadSummary> {
  const { directory } = await enterJournaled(dependencies, ref);
  return await loadStages(dependencies, attempt, ref, directory, () => openChosen(ref, directory));
}
