import type {
  BackupInput,
  BackupReport,
  CancelAnswer,
  CancelRequest,
  Confirmation,
  CopyInput,
  CopyReport,
  FailureDetail,
  HeartbeatDetail,
  PreflightReport,
  PruneInput,
  PruneReport,
  RestoreCollectionsInput,
  RestoreCollectionsReport,
  RestoreInput,
  RestoreReport,
  VerifyAllInput,
  VerifyAllReport,
  VerifyInput,
  VerifyReport,
  WorkflowStatus,
} from '../../core/messages';
import type { OperationRef } from '../../core/operation';
import type { CopyRef } from '../../activities/copy/copy-directory';
import type { DumpCheckpoint } from '../../activities/backup/dump-checkpoint';
import type { HostSteps, RunInfo } from '../../activities/steps';
import type { Journal } from '../../activities/workspace/journal';

/** Everything that one version may write and another read. */
interface Messages {
  backupInput: BackupInput;
  backupReport: BackupReport;
  restoreInput: RestoreInput;
  restoreReport: RestoreReport;
  restoreCollectionsInput: RestoreCollectionsInput;
  restoreCollectionsReport: RestoreCollectionsReport;
  verifyInput: VerifyInput;
  verifyReport: VerifyReport;
  verifyAllInput: VerifyAllInput;
  verifyAllReport: VerifyAllReport;
  pruneInput: PruneInput;
  pruneReport: PruneReport;
  copyInput: CopyInput;
  copyReport: CopyReport;
  preflight: PreflightReport;
  status: WorkflowStatus;
  heartbeat: HeartbeatDetail;
  failure: FailureDetail;
  confirmation: Confirmation;
  cancelRequest: CancelRequest;
  cancelAnswer: CancelAnswer;
  operation: OperationRef;
  journal: Journal;
  run: RunInfo;
  /** First argument and answer of every step. */
  stepArgument: Parameters<HostSteps[keyof HostSteps]>[0];
  stepAnswer: Awaited<ReturnType<HostSteps[keyof HostSteps]>>;
  dumpCheckpoint: DumpCheckpoint;
  copyRef: CopyRef;
}

type Unversioned = {
  [Name in keyof Messages]: Messages[Name] extends { readonly v: 1 } ? never : Name;
}[keyof Messages];

test('every message carries v: 1, which the compiler proves', () => {
  // A message without it makes this line a type error.
  const unversioned: readonly Unversioned[] = [] satisfies readonly never[];
  const all: [Unversioned] extends [never] ? true : false = true;
  expect(all).toBe(true);
  expect(unversioned).toEqual([]);
});
