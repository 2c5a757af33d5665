import { findBackup } from '../../catalog/storage-catalog';
import type { BackupChoice, RestoreInput } from '../../core/messages';
import { storageDirectory } from '../../core/operation';
import type { ActivityDependencies } from '../dependencies';
import type { Attempt } from '../step';
import type { LocatedBackup } from '../steps';
import { archiveFacts } from './manifest-facts';

/**
 * Finds the backup to restore: by id, or the newest complete one that is not a safety copy.
 *
 * Side effect: none.
 * @throws HoldfastError HF-STORAGE-001, HF-BACKUP-002, -003, -004, HF-MANIFEST-001
 */
export async function locateBackup(
  dependencies: ActivityDependencies,
  attempt: Attempt,
  input: Pick<RestoreInput, 'storage' | 'controller'>,
  choice: BackupChoice,
): Promise<LocatedBackup> {
  const storage = dependencies.openStorage(input.storage);
  const { summary, manifest } = await findBackup(
    { storage, controller: storageDirectory(input.controller), signal: attempt.signal },
    'latest' in choice ? 'latest' : choice.id,
  );
  return { backupId: summary.id, archive: archiveFacts(manifest) };
}
