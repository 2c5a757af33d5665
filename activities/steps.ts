import type {
  ArchiveFacts,
  BackupChoice,
  BackupInput,
  CopyInput,
  PreflightReport,
  RestoreCollectionsInput,
  RestoreInput,
  PruneInput,
  PruneReport,
  VerifyAllInput,
  VerifyInput,
  VerifyReport,
} from '../core/messages';
import type { OperationRef } from '../core/operation';

/** What an operation's first step learns about the run it belongs to. */
export interface RunInfo {
  readonly v: 1;
  readonly workflowId: string;
  readonly runId: string;
}

export interface PreparedBackup {
  readonly ref: OperationRef;
  /** Run whose leftovers were compensated first. */
  readonly compensated?: string;
}

export interface DumpSummary {
  /** Member of the replica set that was read. */
  readonly node?: string;
  readonly collections: number;
  readonly documents: number;
  /** Bytes of BSON, oplog included. */
  readonly bytes: number;
  readonly oplogEntries: number;
  /** How often the dump had to start again; absent when never. */
  readonly restarts?: number;
}

export interface BundleSummary {
  readonly files: number;
  readonly bytes: number;
  /** Names of sockets and the like that no archive can hold. */
  readonly skipped: number;
}

export interface LocatedBackup {
  readonly backupId: string;
  readonly archive: ArchiveFacts;
}

export interface PreparedRestore {
  readonly ref: OperationRef;
  /** Only for resume and rollback: what the journal says. */
  readonly pastNoReturn: boolean;
  /** What was before is being removed already: only the end is left to do, and there is no way back. */
  readonly finishing: boolean;
}

export interface InspectionSummary {
  readonly entries: number;
  readonly documents: number;
  readonly bytes: number;
}

export interface FetchSummary {
  /** Bytes read from the storage, or of the dump's files. */
  readonly read: number;
  /** Bytes of the whole archive; absent for a dump. */
  readonly archiveSize?: number;
}

/** What going back left out. */
export interface UndoSummary {
  /** Namespaces that were dropped to be loaded in place, and are not there any more. */
  readonly lost?: readonly string[];
}

export interface LoadSummary {
  readonly collections: number;
  readonly documents: number;
  readonly oplogEntries: number;
}

export interface ChosenBackups {
  /** In the order in which they are to be read. */
  readonly ids: readonly string[];
  /** Others that could be read. */
  readonly left: number;
  readonly incomplete: number;
}

export interface PreparedCopy {
  /** The identical backup is there: nothing is to be copied. */
  readonly present: boolean;
  readonly archive: ArchiveFacts;
  /** Beside MANIFEST. */
  readonly files: number;
  readonly bytes: number;
}

/** A step's answer as it stands in a history; a step that has nothing to say answers the number alone. */
export type Answer<R> = { readonly v: 1 } & ([R] extends [void] ? unknown : R);

/**
 * The steps that run on a controller host, by their activity names, as workflows see them. A history
 * outlives the version that wrote it: the first argument and the answer of each carry `v: 1`.
 */
export type HostSteps = {
  [K in keyof StepBodies]: (
    ...args: Parameters<StepBodies[K]>
  ) => Promise<Answer<Awaited<ReturnType<StepBodies[K]>>>>;
};

/** What the steps take and find out. */
export interface StepBodies {
  prepareBackup: (input: BackupInput, run: RunInfo, backupId: string) => Promise<PreparedBackup>;
  dumpDatabase: (ref: OperationRef) => Promise<DumpSummary>;
  bundleFiles: (ref: OperationRef) => Promise<BundleSummary>;
  composeArchive: (ref: OperationRef, input: BackupInput) => Promise<{ size: number }>;
  inspectRope: (ref: OperationRef) => Promise<{ archive: ArchiveFacts; entries: number }>;
  storeArchive: (ref: OperationRef, archive: ArchiveFacts) => Promise<{ stored: number }>;
  verifyStored: (ref: OperationRef, archive: ArchiveFacts) => Promise<{ verified: number }>;
  /** Partial: the files of the controller's other hosts are not in it. */
  commitBackup: (
    ref: OperationRef,
    input: BackupInput,
    archive: ArchiveFacts,
  ) => Promise<{ outcome: 'complete' | 'partial'; warnings?: readonly string[] }>;
  finishBackup: (ref: OperationRef) => Promise<void>;
  /** Does nothing unless the journal names this run. */
  undoBackup: (run: RunInfo) => Promise<void>;

  locateBackup: (
    input: RestoreInput | RestoreCollectionsInput,
    choice: BackupChoice,
  ) => Promise<LocatedBackup>;
  prepareRestore: (
    input: RestoreInput,
    run: RunInfo,
    backupId: string | undefined,
  ) => Promise<PreparedRestore>;
  fetchArchive: (ref: OperationRef) => Promise<ArchiveFacts>;
  inspectArchive: (ref: OperationRef) => Promise<InspectionSummary>;
  preflightRestore: (ref: OperationRef) => Promise<PreflightReport>;
  beginRestore: (
    ref: OperationRef,
    input: RestoreInput | RestoreCollectionsInput,
  ) => Promise<{ compensated?: string }>;
  loadStaged: (ref: OperationRef) => Promise<LoadSummary>;
  stageFiles: (ref: OperationRef) => Promise<{ files: number }>;
  stopAgents: (ref: OperationRef) => Promise<void>;
  swapDatabase: (ref: OperationRef) => Promise<void>;
  swapFiles: (ref: OperationRef) => Promise<void>;
  restoreUsers: (ref: OperationRef) => Promise<void>;
  startAgents: (ref: OperationRef) => Promise<{ downtime?: number }>;
  finishRestore: (ref: OperationRef, keepOld: boolean) => Promise<void>;
  /** Everything backwards, from wherever it stands: the exact state before. Nothing when the journal names another run. */
  undoRestore: (ref: OperationRef) => Promise<UndoSummary>;
  /** Removes what a run that changed nothing kept under the workspace. */
  discardRun: (ref: OperationRef) => Promise<void>;

  /** For a dump `backupId` is absent. */
  prepareCollections: (
    input: RestoreCollectionsInput,
    run: RunInfo,
    backupId: string | undefined,
  ) => Promise<OperationRef>;
  fetchCollections: (ref: OperationRef) => Promise<FetchSummary>;
  inspectCollections: (ref: OperationRef) => Promise<InspectionSummary>;
  preflightCollections: (ref: OperationRef) => Promise<PreflightReport>;
  loadCollections: (ref: OperationRef) => Promise<LoadSummary>;
  swapCollections: (ref: OperationRef) => Promise<{ replaced: number }>;
  /** Time series that exist: from here on there is no way back. */
  loadInPlace: (ref: OperationRef) => Promise<LoadSummary>;

  pruneBackups: (input: PruneInput) => Promise<Omit<PruneReport, 'duration'>>;
  verifyBackup: (input: VerifyInput) => Promise<Omit<VerifyReport, 'duration'>>;
  chooseBackups: (input: VerifyAllInput) => Promise<ChosenBackups>;

  prepareCopy: (input: CopyInput, run: RunInfo) => Promise<PreparedCopy>;
  copyFiles: (run: RunInfo) => Promise<{ copied: number }>;
  verifyCopied: (run: RunInfo) => Promise<{ verified: number }>;
  commitCopy: (run: RunInfo) => Promise<void>;
  /** Also the undo: of the target only what is not complete goes. */
  clearCopy: (run: RunInfo) => Promise<void>;
}
