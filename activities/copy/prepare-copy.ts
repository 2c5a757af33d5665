import { parseManifest } from '../../archive/manifest';
import { findBackup, findStored } from '../../catalog/storage-catalog';
import { storageRoot } from '../../config/storage-schema';
import { findStorage } from '../../config/storages';
import { errorText, HoldfastError, isHoldfastError } from '../../core/errors';
import type { CopyInput } from '../../core/messages';
import { storageDirectory } from '../../core/operation';
import { manifestName, type BackupStorage } from '../../storage/contract';
import type { ActivityDependencies } from '../dependencies';
import { readWhole } from '../read-whole';
import { archiveFacts } from '../restore/manifest-facts';
import type { PreparedCopy, RunInfo } from '../steps';
import { clearCopyRun } from './clear-copy';
import { copiedFiles, type CopyAttempt, CopyDirectories, type CopyRef } from './copy-directory';

/**
 * Looks at both storages and begins the copy in the target, under the owner that MANIFEST names. What
 * an earlier copy left that was not ended is undone first: copies exclude each other.
 *
 * Side effect: the run's directory, the directory in the target. Idempotency key: the run id.
 * Compensation: clearCopy. Timeout: ten minutes.
 * @throws HoldfastError HF-STORAGE-001, HF-BACKUP-004, HF-MANIFEST-001, HF-STORAGE-007, -009 of the
 * source; HF-COPY-001 when the target holds something else under that id; HF-STORAGE-002
 */
export async function prepareCopy(
  dependencies: ActivityDependencies,
  attempt: CopyAttempt,
  input: CopyInput,
  run: RunInfo,
): Promise<PreparedCopy> {
  const { config, environment } = dependencies;
  const { signal } = attempt;
  const from = dependencies.openStorage(input.storage);
  const to = dependencies.openStorage(input.to);
  const query = { storage: from, controller: storageDirectory(input.controller), signal };
  const { summary } = await findBackup(query, input.backupId);
  const { id: backupId, controller: directory } = summary;
  const source = await from.openBackup(directory, backupId, { signal });
  const manifestBytes = await readWhole(source, manifestName, signal);
  const manifest = parseManifest(manifestBytes, backupId);
  const files = copiedFiles(manifest);
  const prepared = {
    archive: archiveFacts(manifest),
    files: files.length,
    bytes: files.reduce((sum, { size }) => sum + size, 0),
  };
  await clearStrays(dependencies, attempt, run.runId);
  if (await isThere(to, directory, backupId, manifestBytes, signal)) {
    return { present: true, ...prepared };
  }
  const directories = new CopyDirectories(config.workspace);
  await directories.make(run.runId, () => attempt.requireWanted());
  const begun = await directories.find(run.runId);
  const ref: CopyRef = {
    v: 1,
    backupId,
    directory,
    owner: manifest.owner,
    from: input.storage,
    fromRoot: storageRoot(findStorage(config, input.storage)),
    to: input.to,
    toRoot: storageRoot(findStorage(config, input.to)),
    began: begun?.began ?? environment.now(),
  };
  await directories.write(run.runId, ref, manifestBytes);
  await to.startBackup(directory, backupId, ref.owner, { signal });
  return { present: false, ...prepared };
}

/** Whether the target holds the identical backup. @throws HoldfastError HF-COPY-001 for any other complete one. */
async function isThere(
  to: BackupStorage,
  directory: string,
  id: string,
  manifest: Buffer,
  signal: AbortSignal,
): Promise<boolean> {
  const other = (reason: string, cause?: unknown): HoldfastError =>
    new HoldfastError('HF-COPY-001', { storage: to.name, id, reason }, { cause });
  let found;
  try {
    found = await findStored({ storage: to, controller: directory, signal }, id);
  } catch (error) {
    if (isHoldfastError(error, 'HF-STORAGE-001')) return false;
    throw error;
  }
  if (found.status === 'incomplete') return false;
  if (found.status === 'damaged') throw other(found.reason, found.error);
  const handle = await to.openBackup(directory, id, { signal });
  if (!(await readWhole(handle, manifestName, signal)).equals(manifest)) {
    throw other('its MANIFEST is another one');
  }
  if (found.verified?.sound === false) throw other('its last verification found damage');
  return true;
}

/** What copies left that were terminated. */
async function clearStrays(
  dependencies: ActivityDependencies,
  attempt: CopyAttempt,
  runId: string,
): Promise<void> {
  const strays = await new CopyDirectories(dependencies.config.workspace).runs();
  for (const stray of strays.filter((each) => each !== runId)) {
    // An attempt that wakes late must not take a later copy for an earlier one.
    await attempt.requireWanted();
    attempt.warn('undoing what an earlier copy left', { run: stray });
    try {
      await clearCopyRun(dependencies, stray, attempt.signal);
    } catch (error) {
      attempt.signal.throwIfAborted();
      // Its storage may be away, or not configured any more: that must not keep others from being used.
      attempt.warn('an earlier copy cannot be undone', { run: stray, reason: errorText(error) });
    }
  }
}
