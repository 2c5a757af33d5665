import { longestUnproven, lastProven } from '../../catalog/sample';
import { listBackups } from '../../catalog/storage-catalog';
import type { VerifyAllInput } from '../../core/messages';
import { storageDirectory } from '../../core/operation';
import type { ActivityDependencies } from '../dependencies';
import type { Attempt } from '../step';
import type { ChosenBackups } from '../steps';

/** Backups of one run, so that its history stays bounded. The others are first the next time. */
const mostAtOnce = 1_000;

/**
 * Chooses which backups are verified, by what the storage holds now: all of them, or the sample whose
 * turn it is; those that were not proven for longest first.
 *
 * Side effect: none.
 * @throws HoldfastError what the storage throws.
 */
export async function chooseBackups(
  dependencies: ActivityDependencies,
  { signal }: Attempt,
  input: VerifyAllInput,
): Promise<ChosenBackups> {
  const storage = dependencies.openStorage(input.storage);
  const controller = storageDirectory(input.controller);
  const backups = await listBackups({ storage, controller, signal });
  const provable = backups
    .filter(({ status }) => status !== 'incomplete')
    .map((backup) => ({ id: backup.id, proven: lastProven(backup) }));
  const chosen = longestUnproven(provable, input.sample ?? 100).slice(0, mostAtOnce);
  return {
    ids: chosen.map(({ id }) => id),
    left: provable.length - chosen.length,
    incomplete: backups.length - provable.length,
  };
}
