import { bundleFiles } from './backup/bundle-files';
import { commitBackup } from './backup/commit-backup';
import { composeArchive } from './backup/compose-archive';
import { dumpDatabase } from './backup/dump-database';
import { finishBackup } from './backup/finish-backup';
import { inspectRope } from './backup/inspect-rope';
import { prepareBackup } from './backup/prepare-backup';
import { storeArchive } from './backup/store-archive';
import { undoBackup } from './backup/undo-backup';
import { verifyStored } from './backup/verify-stored';
import { fetchCollections } from './collections/fetch-collections';
import { inspectCollections } from './collections/inspect-collections';
import { loadCollections } from './collections/load-collections';
import { loadInPlace } from './collections/load-in-place';
import { preflightCollections } from './collections/preflight-collections';
import { prepareCollections } from './collections/prepare-collections';
import { swapCollections } from './collections/swap-collections';
import { clearCopy } from './copy/clear-copy';
import { commitCopy } from './copy/commit-copy';
import { copyFiles } from './copy/copy-files';
import { prepareCopy } from './copy/prepare-copy';
import { verifyCopied } from './copy/verify-copied';
import type { ProgressUnit } from '../core/messages';
import type { ActivityDependencies } from './dependencies';
import { beginRestore } from './restore/begin-restore';
import { discardRun } from './restore/discard-run';
import { fetchArchive } from './restore/fetch-archive';
import { finishRestore } from './restore/finish-restore';
import { inspectArchive } from './restore/inspect-archive';
import { loadStaged } from './restore/load-staged';
import { locateBackup } from './restore/locate-backup';
import { preflightRestore } from './restore/preflight';
import { prepareRestore } from './restore/prepare-restore';
import { restoreUsers } from './restore/restore-users';
import { stageFiles } from './restore/stage-files';
import { startAgents } from './restore/start-agents';
import { stopAgents } from './restore/stop-agents';
import { swapDatabase } from './restore/swap-database';
import { swapFiles } from './restore/swap-files';
import { undoRestore } from './restore/undo-restore';
import { pruneBackups } from './prune/prune-backups';
import { bindStep, type Attempt } from './step';
import type { HostSteps } from './steps';
import { chooseBackups } from './verify/choose-backups';
import { verifyBackup } from './verify/verify-backup';

/** Every activity of a host's worker, bound to what it needs. */
export function createActivities(dependencies: ActivityDependencies): HostSteps {
  const step = <A extends unknown[], R extends object>(
    phase: string,
    unit: ProgressUnit,
    body: (dependencies: ActivityDependencies, attempt: Attempt, ...args: A) => Promise<R>,
  ): ((...args: A) => Promise<R & { readonly v: 1 }>) =>
    bindStep(dependencies, phase, unit, async (attempt, ...args: A) => ({
      ...(await body(dependencies, attempt, ...args)),
      v: 1,
    }));
  const silent = <A extends unknown[]>(
    phase: string,
    unit: ProgressUnit,
    body: (dependencies: ActivityDependencies, attempt: Attempt, ...args: A) => Promise<void>,
  ): ((...args: A) => Promise<{ readonly v: 1 }>) =>
    step(phase, unit, async (...args: Parameters<typeof body>) => {
      await body(...args);
      return {};
    });
  return {
    prepareBackup: step('preparing', 'entries', prepareBackup),
    dumpDatabase: step('dumping', 'bytes', dumpDatabase),
    bundleFiles: step('bundling', 'files', bundleFiles),
    composeArchive: step('composing', 'entries', composeArchive),
    inspectRope: step('inspecting', 'bytes', inspectRope),
    storeArchive: step('storing', 'bytes', storeArchive),
    verifyStored: step('verifying', 'bytes', verifyStored),
    commitBackup: step('committing', 'files', commitBackup),
    finishBackup: silent('cleaning up', 'files', finishBackup),
    undoBackup: silent('compensating', 'files', undoBackup),

    locateBackup: step('locating', 'entries', locateBackup),
    prepareRestore: step('preparing', 'entries', prepareRestore),
    fetchArchive: step('fetching', 'bytes', fetchArchive),
    inspectArchive: step('inspecting', 'bytes', inspectArchive),
    preflightRestore: step('checking', 'entries', preflightRestore),
    beginRestore: step('beginning', 'entries', beginRestore),
    loadStaged: step('loading', 'bytes', loadStaged),
    stageFiles: step('staging files', 'files', stageFiles),
    stopAgents: silent('stopping agents', 'entries', stopAgents),
    swapDatabase: silent('swapping', 'entries', swapDatabase),
    swapFiles: silent('swapping files', 'files', swapFiles),
    restoreUsers: silent('restoring users', 'entries', restoreUsers),
    startAgents: step('starting agents', 'entries', startAgents),
    finishRestore: silent('cleaning up', 'entries', finishRestore),
    undoRestore: step('rolling back', 'entries', undoRestore),
    discardRun: silent('clearing', 'files', discardRun),

    prepareCollections: step('preparing', 'entries', prepareCollections),
    fetchCollections: step('fetching', 'bytes', fetchCollections),
    inspectCollections: step('inspecting', 'bytes', inspectCollections),
    preflightCollections: step('checking', 'entries', preflightCollections),
    loadCollections: step('loading', 'bytes', loadCollections),
    swapCollections: step('swapping', 'entries', swapCollections),
    loadInPlace: step('loading in place', 'bytes', loadInPlace),

    pruneBackups: step('removing', 'entries', pruneBackups),
    verifyBackup: step('verifying', 'bytes', verifyBackup),
    chooseBackups: step('choosing', 'entries', chooseBackups),

    prepareCopy: step('preparing', 'entries', prepareCopy),
    copyFiles: step('copying', 'bytes', copyFiles),
    verifyCopied: step('verifying', 'bytes', verifyCopied),
    commitCopy: silent('committing', 'files', commitCopy),
    clearCopy: silent('cleaning up', 'files', clearCopy),
  };
}
