import type { BackupSummary } from './backup-summary';
import type { Verified } from './marks';

/**
 * What a backup is, in one word: `incomplete`; `damaged`, by its listing or by its last verification;
 * `verified`, when that found it sound; `complete`, when nobody has verified it yet.
 */
export type BackupState = 'incomplete' | 'damaged' | 'verified' | 'complete';

/** The state of a backup of which nothing but its listing and its marks is known. */
export function backupState({
  status,
  verified,
}: Pick<BackupSummary, 'status'> & { readonly verified: Verified | undefined }): BackupState {
  if (status !== 'complete') return status;
  if (verified === undefined) return 'complete';
  return verified.sound ? 'verified' : 'damaged';
}
