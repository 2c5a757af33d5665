import type { Moment, StepName } from './strikes';

/** In the middle of every step: something of it is done, and something is not. */
export const crashMoments: Readonly<Record<StepName, Moment>> = {
  // The journal is open; there is neither a run directory nor one in the storage.
  prepareBackup: { before: /^mkdir .*\/runs\/[^/]+$/ },
  // Every collection is in the segment, which the checkpoint does not say yet.
  dumpDatabase: { before: /^rename .*\/dump\/checkpoint-1\.json$/, nth: 2 },
  bundleFiles: { before: /^rename .*\/files\/result\.json$/ },
  // Everything but the one rename that freezes the rope.
  composeArchive: { before: /^rename .*\/rope-1\.json .*\/rope\.json$/ },
  inspectRope: { before: /^read .*\/dump\/seg-\d+$/, nth: 20 },
  storeArchive: { before: /^write .*\.tar\.gz\..*\.part$/, nth: 2 },
  verifyStored: { before: /^read .*\.tar\.gz$/, nth: 3 },
  // INDEX is there, MANIFEST is not.
  commitBackup: { before: /^link .*\/MANIFEST$/ },
  // The run directory is gone, the journal is not.
  finishBackup: { before: /^rm .*\/operation\.json$/ },
  // The backup's directory is put aside, not removed.
  undoBackup: { before: /^rm .*\/\.gone\./, nth: 3 },

  locateBackup: { before: /^read .*\/MANIFEST$/ },
  prepareRestore: { before: /^open .*\/host\.json/ },
  fetchArchive: { before: /^write .*\/fetch\/archive-\d+$/, nth: 3 },
  inspectArchive: { before: /^read .*\/fetch\/archive-\d+$/, nth: 3 },
  preflightRestore: { before: /^mongod find holdfast operations$/ },
  // The journal is written, the lease is not.
  beginRestore: { before: /^mongod insert holdfast operations$/ },
  loadStaged: { before: /^mongod insert .*hf-stage/, nth: 20 },
  stageFiles: { before: /^symlink /, nth: 2 },
  // Masked, and still running.
  stopAgents: { before: /^service stop$/ },
  // One collection is aside, and nothing has its name.
  swapDatabase: { before: /^mongod renameCollection admin juju\.hf-stage/, nth: 5 },
  // A path is aside, and nothing has its name.
  swapFiles: { before: /^rename \S*\/\.hf-stage-/, nth: 3 },
  // One TTL index has its own value again, the other has not.
  restoreUsers: { before: /^mongod collMod /, nth: 2 },
  startAgents: { before: /^service start$/ },
  // Some of the old collections are dropped.
  finishRestore: { before: /^mongod drop juju /, nth: 10 },
  // Files are back; of the collections some.
  undoRestore: { before: /^mongod renameCollection /, nth: 7 },
  discardRun: { before: /^rm .*\/runs\/[^/]+$/ },

  prepareCollections: { before: /^open .*\/host\.json/ },
  fetchCollections: { before: /^write .*\/fetch-collections\/archive$/, nth: 2 },
  inspectCollections: { before: /^read .*\/fetch-collections\/archive$/, nth: 3 },
  preflightCollections: { before: /^mongod find holdfast operations$/ },
  loadCollections: { before: /^mongod insert .*hf-stage/, nth: 10 },
  // Some have their names, the others are stages.
  swapCollections: { before: /^mongod renameCollection admin copy\.hf-stage/, nth: 5 },

  // The old one is dropped, and the new one half loaded.
  loadInPlace: { before: /^mongod insert sky system\.buckets\./, nth: 2 },

  // Its MANIFEST is gone, and it is put aside, not removed.
  pruneBackups: { before: /^rm .*\/\.gone\./, nth: 2 },
  verifyBackup: { before: /^read .*\.tar\.gz$/, nth: 3 },
  chooseBackups: { before: /^read .*\/MANIFEST$/ },

  // The MANIFEST to be written is kept, what the copy is is not.
  prepareCopy: { before: /^rename .*\/copy\.json$/ },
  copyFiles: { before: /^write .*\.tar\.gz\..*\.part$/, nth: 2 },
  verifyCopied: { before: /^read .*\.tar\.gz$/, nth: 3 },
  commitCopy: { before: /^link .*\/MANIFEST$/ },
  clearCopy: { before: /^rm .*\/copies\/[^/]+$/ },
};
