import { HoldfastError } from '../../core/errors';
import type { RestoreInput } from '../../core/messages';
import { storageDirectory, type OperationRef } from '../../core/operation';
import { requireSameHost } from '../../controller/host-identity';
import type { ActivityDependencies } from '../dependencies';
import { currentPlan, identifyThisHost } from '../operation';
import type { Attempt } from '../step';
import type { PreparedRestore, RunInfo } from '../steps';
import { readJournal } from '../workspace/journal';
import { Workspace } from '../workspace/workspace';

/**
 * Begins a restore's proofs (nothing is changed yet), or takes up the one that the journal names.
 *
 * Side effect: none; the run's directory is made by the first step that writes into it.
 * @throws HoldfastError HF-HOST-001, HF-HOST-002; HF-RESTORE-002 when there is nothing to take up.
 */
export async function prepareRestore(
  dependencies: ActivityDependencies,
  _attempt: Attempt,
  input: RestoreInput,
  run: RunInfo,
  backupId: string | undefined,
): Promise<PreparedRestore> {
  const host = await identifyThisHost(dependencies);
  requireSameHost(host, { ...host, modelUuid: input.controller, machine: input.machine });
  const workspace = new Workspace(dependencies.config.workspace);
  if (backupId === undefined) {
    const journal = await readJournal(workspace);
    if (journal === undefined || journal.ref.kind === 'backup') {
      throw new HoldfastError('HF-RESTORE-002');
    }
    const { ref, state } = journal;
    // Before that point there is nothing that --resume could go on with: the next operation undoes it.
    if (ref.kind === 'restoreCollections' && state === 'open') {
      throw new HoldfastError('HF-RESTORE-002');
    }
    return { ref, pastNoReturn: state !== 'open', finishing: state === 'finishing' };
  }
  const ref: OperationRef = {
    v: 1,
    kind: 'restore',
    workflowId: run.workflowId,
    runId: run.runId,
    backupId,
    directory: storageDirectory(input.controller),
    owner: `${run.workflowId}/${run.runId}`,
    host,
    plan: currentPlan(dependencies, input.storage),
    ...(input.oplogLimit === undefined ? {} : { oplogLimit: input.oplogLimit }),
  };
  return { ref, pastNoReturn: false, finishing: false };
}
