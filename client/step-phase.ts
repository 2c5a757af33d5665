import type { HostSteps } from '../activities/steps';
import type { Phase } from '../core/messages';

/** The phase that a step belongs to, as the workflows enter it. */
const phases: Readonly<Record<keyof HostSteps, Phase>> = {
  prepareBackup: 'preparing',
  dumpDatabase: 'dumping',
  bundleFiles: 'bundling',
  composeArchive: 'composing',
  inspectRope: 'inspecting',
  storeArchive: 'storing',
  verifyStored: 'verifying',
  commitBackup: 'committing',
  finishBackup: 'committing',
  undoBackup: 'compensating',
  locateBackup: 'locating',
  prepareRestore: 'preparing',
  fetchArchive: 'fetching',
  inspectArchive: 'inspecting',
  preflightRestore: 'preflight',
  beginRestore: 'beginning',
  loadStaged: 'loading',
  stageFiles: 'staging-files',
  stopAgents: 'stopping-agents',
  swapDatabase: 'swapping',
  swapFiles: 'swapping',
  restoreUsers: 'restoring-users',
  startAgents: 'starting-agents',
  finishRestore: 'cleaning-up',
  undoRestore: 'rolling-back',
  discardRun: 'cleaning-up',
  prepareCollections: 'preparing',
  fetchCollections: 'fetching',
  inspectCollections: 'inspecting',
  preflightCollections: 'preflight',
  loadCollections: 'loading',
  swapCollections: 'swapping',
  loadInPlace: 'loading',
  pruneBackups: 'removing',
  verifyBackup: 'verifying',
  chooseBackups: 'choosing',
  prepareCopy: 'preparing',
  copyFiles: 'copying',
  verifyCopied: 'verifying',
  commitCopy: 'committing',
  clearCopy: 'cleaning-up',
};

/** The phase of a step by its name; undefined for one that only a newer worker knows. */
export function phaseOfStep(step: string): Phase | undefined {
  const known: Readonly<Record<string, Phase>> = phases;
  return known[step];
}
