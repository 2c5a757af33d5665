import { HoldfastError } from '../../core/errors';
import { manifestName } from '../../storage/contract';
import type { ActivityDependencies } from '../dependencies';
import { readWhole } from '../read-whole';
import type { RunInfo } from '../steps';
import { tellCatalog } from '../tell-catalog';
import { type CopyAttempt, enterCopy } from './copy-directory';

/**
 * Makes the copy complete: MANIFEST, byte for byte that of the source, which only one writer can put;
 * then the catalog is told, where there is one.
 *
 * Side effect: one file in the target; with it the backup exists there. Idempotency key: directory,
 * name, owner and bytes; a MANIFEST of the same bytes is success. Compensation: none, this is the
 * commit. Not cancellable.
 * @throws HoldfastError HF-COPY-001 when another MANIFEST is there
 */
export async function commitCopy(
  dependencies: ActivityDependencies,
  attempt: CopyAttempt,
  run: RunInfo,
): Promise<void> {
  const { ref, manifestBytes } = await enterCopy(dependencies, run.runId);
  const { signal } = attempt;
  const to = dependencies.openStorage(ref.to);
  const target = await to.resumeBackup(ref.directory, ref.backupId, ref.owner, { signal });
  await target.endBackup({ signal });
  const put = await target.putFile(manifestName, manifestBytes, { ifAbsent: true, signal });
  if (put === 'exists' && !(await readWhole(target, manifestName, signal)).equals(manifestBytes)) {
    const reason = 'its MANIFEST is another one';
    throw new HoldfastError('HF-COPY-001', { storage: to.name, id: ref.backupId, reason });
  }
  const changed = { storage: to.name, controller: ref.directory, ids: [ref.backupId] };
  await tellCatalog(dependencies, attempt, changed);
}
