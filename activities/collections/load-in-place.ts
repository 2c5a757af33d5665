import type { OperationRef } from '../../core/operation';
import { dropCollection } from '../../mongo/create-collection';
import { swapDatabase } from '../../mongo/swap';
import { prepareAddition } from '../../mongo/swap-prepare';
import { bucketsOf } from '../../mongo/time-series';
import { applyTtl } from '../../mongo/ttl';
import type { ActivityDependencies } from '../dependencies';
import { enterJournaled } from '../operation';
import { connectForRestore } from '../restore/restore-access';
import { loadStages, type LoadScope } from '../restore/stage-loading';
import { loadResultOf, stagePlanOf } from '../restore/stage-results';
import type { Attempt } from '../step';
import type { LoadSummary } from '../steps';
import { claimEpoch } from '../workspace/epoch';
import { openChosen } from './chosen-content';
import { inPlaceRun, inPlaceTargets, isAmong } from './in-place';

/**
 * Replaces time series where they are, since mongod can rename none: each is dropped, loaded with its
 * oplog window, proven and shown. Last of all steps that change data, because the first drop has no
 * way back.
 *
 * Side effect: dropped time series, stages, `holdfast.progress`, a swap journal, a user for this
 * attempt. Idempotency key: the UUIDs of what is dropped, the run id of what is loaded. Checkpoint:
 * progress documents, majority committed. Compensation: undoRestore, which leaves none of them.
 * Retried without limit. Timeouts: the heartbeat.
 * @throws HoldfastError HF-LOAD-001, -002, -003, HF-REPLAY-001, -002, HF-SWAP-002, -003, HF-FENCE-001,
 * HF-PREFLIGHT-001 when a name was taken between drop and load
 */
export async function loadInPlace(
  dependencies: ActivityDependencies,
  attempt: Attempt,
  ref: OperationRef,
): Promise<LoadSummary> {
  const { directory } = await enterJournaled(dependencies, ref);
  const { series } = await inPlaceTargets.read(directory);
  if (series.length === 0) return { collections: 0, documents: 0, oplogEntries: 0 };
  const epoch = await claimEpoch(directory, 'swap');
  const { signal, progress } = attempt;
  const scope: LoadScope = {
    runId: inPlaceRun(ref.runId),
    plan: stagePlanOf('stage-plan-in-place'),
    result: loadResultOf('load-in-place'),
  };
  const client = await connectForRestore(dependencies, attempt, directory, 'in-place');
  try {
    for (const { database, name, uuid } of series) {
      signal.throwIfAborted();
      if ((await bucketsOf(client, database, name))?.uuid !== uuid) continue;
      await epoch.check();
      await dropCollection(client, database, name);
    }
    const open = () => openChosen(ref, directory, isAmong(series));
    const loaded = await loadStages(dependencies, attempt, ref, directory, open, scope);
    const { plan } = await scope.result.read(directory);
    const options = { client, runId: scope.runId, signal };
    await epoch.check();
    await prepareAddition(options, plan, { replace: false });
    await epoch.check();
    await progress.during(swapDatabase(options));
    await progress.during(applyTtl(options, plan));
    return loaded;
  } finally {
    await client.close();
  }
}
