import { sameNames } from '../../core/namespace-selection';
import type { OplogMoment } from '../../core/oplog-limit';
import type { OperationRef } from '../../core/operation';
import { makeStagePlan } from '../../mongo/stage-plan';
import type { ActivityDependencies } from '../dependencies';
import { enterJournaled } from '../operation';
import type { Attempt } from '../step';
import type { LoadSummary } from '../steps';
import { readArchivedDump } from './dumped-collections';
import { LocalArchive } from './local-archive';
import { loadStages, nothing } from './stage-loading';
import type { StageSource } from './stage-source';

/**
 * Loads the data beside the live data while the agents run: collections, oplog window, indexes,
 * and the proof that it is what the archive holds.
 *
 * Side effect: `hf-stage.*` collections, `holdfast.progress`, a user for this attempt. Idempotency
 * key: run id and epoch; the next attempt drops this one's user first, so it cannot go on writing.
 * Checkpoint: progress documents, majority committed. Compensation: undoRestore. Timeouts: the
 * heartbeat, which stops when no batch is acknowledged.
 * @throws HoldfastError HF-LOAD-001, -002, HF-REPLAY-001, -002, HF-FENCE-001
 */
export async function loadStaged(
  dependencies: ActivityDependencies,
  attempt: Attempt,
  ref: OperationRef,
): Promise<LoadSummary> {
  const { directory } = await enterJournaled(dependencies, ref);
  return await loadStages(dependencies, attempt, ref, directory, () =>
    openArchive(directory, ref.oplogLimit, attempt.signal),
  );
}

async function openArchive(
  directory: string,
  until: OplogMoment | undefined,
  signal: AbortSignal,
): Promise<StageSource> {
  const archive = await LocalArchive.open(directory);
  const { collections, oplog } = await readArchivedDump(archive, signal);
  return {
    collections,
    read: (wanted, from, readSignal) => {
      const data = collections.find(
        ({ database, name }) => database === wanted.database && name === wanted.name,
      )?.data;
      return data === undefined ? nothing() : archive.content(data, from, readSignal);
    },
    oplog:
      oplog === undefined
        ? undefined
        : {
            entries: oplog.documents ?? 0,
            read: (readSignal) => archive.content(oplog, 0, readSignal),
            names: sameNames,
            until,
          },
    plan: makeStagePlan,
  };
}
