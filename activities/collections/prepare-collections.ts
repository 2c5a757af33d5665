import { requireSameHost } from '../../controller/host-identity';
import type { RestoreCollectionsInput } from '../../core/messages';
import { storageDirectory, type OperationRef } from '../../core/operation';
import type { ActivityDependencies } from '../dependencies';
import { currentPlan, identifyThisHost } from '../operation';
import type { Attempt } from '../step';
import type { RunInfo } from '../steps';

/**
 * Begins the proofs of a restore of collections; nothing is changed yet.
 *
 * Side effect: none; the run's directory is made by the first step that writes into it.
 * @throws HoldfastError HF-HOST-001, HF-HOST-002
 */
export async function prepareCollections(
  dependencies: ActivityDependencies,
  _attempt: Attempt,
  input: RestoreCollectionsInput,
  run: RunInfo,
  backupId: string | undefined,
): Promise<OperationRef> {
  const host = await identifyThisHost(dependencies);
  requireSameHost(host, { ...host, modelUuid: input.controller, machine: input.machine });
  const { source, choice, replace, inPlace = false, oplogLimit } = input;
  const dump = 'dump' in source ? source.dump : undefined;
  return {
    v: 1,
    kind: 'restoreCollections',
    workflowId: run.workflowId,
    runId: run.runId,
    backupId: backupId ?? dump ?? '',
    directory: storageDirectory(input.controller),
    owner: `${run.workflowId}/${run.runId}`,
    host,
    plan: currentPlan(dependencies, input.storage),
    ...(oplogLimit === undefined ? {} : { oplogLimit }),
    collections: { ...choice, replace, inPlace, ...(dump === undefined ? {} : { dump }) },
  };
}
