import type { OperationRef } from '../../core/operation';
import type { ActivityDependencies } from '../dependencies';
import { enterJournaled } from '../operation';
import { connectForRestore } from '../restore/restore-access';
import { loadStages } from '../restore/stage-loading';
import type { Attempt } from '../step';
import type { LoadSummary } from '../steps';
import { chosenCollections, requestOf } from './chosen';
import { openChosen } from './chosen-content';
import {
  findInPlace,
  inPlaceTargets,
  isAmong,
  rehearseInPlace,
  type InPlaceTarget,
} from './in-place';

/**
 * Loads what was chosen into stages, beside everything that is on the server: data, oplog window,
 * indexes, and the proof that they are what the source holds. Time series that are replaced where they
 * are come later, in loadInPlace.
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
  const isInPlace = isAmong(await targetsInPlace(dependencies, attempt, ref, directory));
  return await loadStages(dependencies, attempt, ref, directory, () =>
    openChosen(ref, directory, (namespace) => !isInPlace(namespace)),
  );
}

/** Which time series are left to loadInPlace; what can be tried of that is tried here. */
async function targetsInPlace(
  dependencies: ActivityDependencies,
  attempt: Attempt,
  ref: OperationRef,
  directory: string,
): Promise<readonly InPlaceTarget[]> {
  const known = await inPlaceTargets.find(directory);
  if (known !== undefined) return known.series;
  if (requestOf(ref).inPlace !== true) return [];
  const { signal, progress } = attempt;
  const { collections } = await chosenCollections.read(directory);
  const client = await connectForRestore(dependencies, attempt, directory, 'in-place');
  try {
    const series = await findInPlace(client, ref, collections);
    const source = await openChosen(ref, directory, isAmong(series));
    if (series.length > 0) await progress.during(rehearseInPlace(client, source, signal));
    await inPlaceTargets.write(directory, { series });
    return series;
  } finally {
    await client.close();
  }
}
