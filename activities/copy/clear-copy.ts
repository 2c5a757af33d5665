import type { ActivityDependencies } from '../dependencies';
import type { RunInfo } from '../steps';
import { type CopyAttempt, CopyDirectories } from './copy-directory';

/**
 * The end of a copy, and its compensation: what it kept on the host goes, and of the target what is
 * not complete.
 *
 * Side effect: removal. Idempotency key: the run id; nothing to do for a run without a directory.
 * Compensation: none. Retried without limit.
 */
export async function clearCopy(
  dependencies: ActivityDependencies,
  attempt: CopyAttempt,
  run: RunInfo,
): Promise<void> {
  await clearCopyRun(dependencies, run.runId, attempt.signal);
}

/** The same, for a run known from its directory. @throws HoldfastError HF-STORAGE-011, and what the storage throws. */
export async function clearCopyRun(
  dependencies: ActivityDependencies,
  runId: string,
  signal: AbortSignal,
): Promise<void> {
  const directories = new CopyDirectories(dependencies.config.workspace);
  const ref = await directories.find(runId);
  if (ref !== undefined) {
    const { directory, backupId, owner } = ref;
    await dependencies.openStorage(ref.to).abortBackup(directory, backupId, owner, { signal });
  }
  await directories.remove(runId);
}
