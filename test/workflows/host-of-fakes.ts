import { ApplicationFailure } from '@temporalio/common';
import type { StepBodies } from '../../activities/steps';
import { errorTable, type ErrorCode } from '../../core/error-table';
import { archive, preflight, ref, sampleBackupId } from './samples';

export type StepName = keyof StepBodies;

/** A host whose steps do nothing but say that they were asked: what is tested is their orchestration. */
export class HostOfFakes {
  /** Names of the steps in the order in which they began, every attempt of them. */
  readonly asked: StepName[] = [];
  private readonly steps: StepBodies;

  constructor(change: Partial<StepBodies> = {}) {
    this.steps = { ...fakes(), ...change };
  }

  async take(step: StepName, args: readonly unknown[]): Promise<unknown> {
    this.asked.push(step);
    const result: object | undefined = await Reflect.apply(this.steps[step], undefined, args);
    return { ...result, v: 1 };
  }

  times(step: StepName): number {
    return this.asked.filter((name) => name === step).length;
  }

  /** The activities of a worker, each taken by the host that `hostOf` finds for it. */
  static activities(
    hostOf: () => Promise<HostOfFakes>,
  ): Record<string, (...args: unknown[]) => Promise<unknown>> {
    return Object.fromEntries(
      stepNames.map((step) => [
        step,
        async (...args: unknown[]) => (await hostOf()).take(step, args),
      ]),
    );
  }
}

const nothing = (): Promise<void> => Promise.resolve();

function fakes(): StepBodies {
  return {
    prepareBackup: (_input, run, id) => Promise.resolve({ ref: ref('backup', run, id) }),
    dumpDatabase: () =>
      Promise.resolve({ collections: 3, documents: 40, bytes: 9_000, oplogEntries: 7 }),
    bundleFiles: () => Promise.resolve({ files: 5, bytes: 1_000, skipped: 0 }),
    composeArchive: () => Promise.resolve({ size: archive.size }),
    inspectRope: () => Promise.resolve({ archive, entries: 12 }),
    storeArchive: () => Promise.resolve({ stored: archive.size }),
    verifyStored: () => Promise.resolve({ verified: archive.size }),
    commitBackup: () => Promise.resolve({ outcome: 'complete' }),
    finishBackup: nothing,
    undoBackup: nothing,

    locateBackup: () => Promise.resolve({ backupId: sampleBackupId, archive }),
    prepareRestore: (_input, run, id) =>
      Promise.resolve({
        ref: ref('restore', run, id ?? sampleBackupId),
        pastNoReturn: false,
        finishing: false,
      }),
    fetchArchive: () => Promise.resolve(archive),
    inspectArchive: () => Promise.resolve({ entries: 12, documents: 40, bytes: 9_000 }),
    preflightRestore: () => Promise.resolve(preflight()),
    beginRestore: () => Promise.resolve({}),
    loadStaged: () => Promise.resolve({ collections: 3, documents: 40, oplogEntries: 7 }),
    stageFiles: () => Promise.resolve({ files: 5 }),
    stopAgents: nothing,
    swapDatabase: nothing,
    swapFiles: nothing,
    restoreUsers: nothing,
    startAgents: () => Promise.resolve({ downtime: 1_500 }),
    finishRestore: nothing,
    undoRestore: () => Promise.resolve({}),
    discardRun: nothing,

    prepareCollections: (_input, run, id) =>
      Promise.resolve(ref('restoreCollections', run, id ?? '/srv/dump')),
    fetchCollections: () => Promise.resolve({ read: 900, archiveSize: archive.size }),
    inspectCollections: () => Promise.resolve({ entries: 1, documents: 40, bytes: 9_000 }),
    preflightCollections: () => Promise.resolve(preflight()),
    loadCollections: () => Promise.resolve({ collections: 1, documents: 40, oplogEntries: 7 }),
    swapCollections: () => Promise.resolve({ replaced: 0 }),
    loadInPlace: () => Promise.resolve({ collections: 1, documents: 5, oplogEntries: 7 }),

    pruneBackups: () =>
      Promise.resolve({ v: 1, kind: 'prune', removed: [sampleBackupId], swept: [], freed: 9_000 }),
    verifyBackup: () =>
      Promise.resolve({
        v: 1,
        kind: 'verify',
        backupId: sampleBackupId,
        archive,
        entries: 12,
        documents: 40,
        bytes: 9_000,
      }),
    chooseBackups: () => Promise.resolve({ ids: [sampleBackupId], left: 0, incomplete: 0 }),

    prepareCopy: () => Promise.resolve({ present: false, archive, files: 2, bytes: 9_000 }),
    copyFiles: () => Promise.resolve({ copied: 9_000 }),
    verifyCopied: () => Promise.resolve({ verified: 9_000 }),
    commitCopy: nothing,
    clearCopy: nothing,
  };
}

const stepNames = Object.keys(fakes()).filter((name): name is StepName => name in fakes());

/** A failure as a host's interceptor would send it; `reason` fills every placeholder. */
export function withCode(code: ErrorCode, reason = 'a test says so'): ApplicationFailure {
  const { message } = errorTable[code];
  const names = [...message.matchAll(/\{(\w+)\}/g)].flatMap(([, name]) => name ?? []);
  const text = [...new Set(names)].reduce(
    (filled, name) => filled.replaceAll(`{${name}}`, reason),
    message,
  );
  return ApplicationFailure.create({
    type: code,
    message: text,
    nonRetryable: !errorTable[code].retryable,
  });
}

/** A code that no workflow raises by itself, and that is not retryable. */
export const failedStep = 'HF-FILES-001';

export function failureOfStep(): ApplicationFailure {
  return withCode(failedStep);
}

/** A step that fails for good. */
export function failing(): Promise<never> {
  return Promise.reject(failureOfStep());
}
