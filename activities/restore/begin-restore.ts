import { HoldfastError } from '../../core/errors';
import type { RestoreCollectionsInput, RestoreInput } from '../../core/messages';
import type { OperationRef } from '../../core/operation';
import { acquireLease } from '../../mongo/lease';
import type { ActivityDependencies } from '../dependencies';
import { compensateLeftover } from '../leftover';
import { enterOperation } from '../operation';
import type { Attempt } from '../step';
import { heldBy, openJournal, readJournal } from '../workspace/journal';
import { connectForRestore } from './restore-access';

/**
 * The restore begins: what an earlier run left is compensated, then the journal is written and the
 * lease taken. From here on the host knows that it is being restored, whatever becomes of Temporal.
 *
 * Side effect: journal, lease document. Idempotency key: the run id. Compensation: undoRestore.
 * @throws HoldfastError HF-LOCK-002, HF-LOCK-003
 */
export async function beginRestore(
  dependencies: ActivityDependencies,
  attempt: Attempt,
  ref: OperationRef,
  _input: RestoreInput | RestoreCollectionsInput,
): Promise<{ compensated?: string }> {
  const { workspace, directory } = await enterOperation(dependencies, ref);
  const { config, environment } = dependencies;
  const compensated = await compensateLeftover(dependencies, attempt, ref);
  const since = environment.now();
  const temporal = config.temporal.address;
  // Compensating can take long, and a journal of a run that is over would hold the host.
  await attempt.requireWanted();
  if (!(await openJournal(workspace, { v: 1, ref, state: 'open', since, temporal }))) {
    const journal = await readJournal(workspace);
    throw journal === undefined
      ? new HoldfastError('HF-INTERNAL-001', { reason: 'the journal vanished while it was opened' })
      : heldBy(journal);
  }
  const client = await connectForRestore(dependencies, attempt, directory, 'begin');
  try {
    await acquireLease(client, { runId: ref.runId, temporal, since: new Date(since) });
  } finally {
    await client.close();
  }
  return compensated === undefined ? {} : { compensated };
}
