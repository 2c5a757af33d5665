import type { OperationRef } from '../../core/operation';
import type { ActivityDependencies } from '../dependencies';
import { enterFirst } from '../operation';
import type { Attempt } from '../step';
import type { FetchSummary } from '../steps';
import { fetchedCollections, requestOf, type FetchedCollections } from './chosen';
import { fetchPieces } from './fetch-pieces';
import { readDump } from './read-dump';

/**
 * Gets what was chosen to where it can be read as often as it is needed: of a backup the parts of the
 * archive that hold it, of an archive of mongodump a file a collection; a directory of mongodump stays
 * where it is.
 *
 * Side effect: files in the run directory. Idempotency key: the run id. Checkpoint: bytes fetched; an
 * archive of mongodump is read anew. Compensation: discardRun or undoRestore. Timeouts: the heartbeat.
 * @throws HoldfastError HF-STORAGE-001, HF-STORAGE-007, HF-MANIFEST-001, HF-ARCHIVE-001, HF-DISK-001,
 * HF-SOURCE-001
 */
export async function fetchCollections(
  dependencies: ActivityDependencies,
  attempt: Attempt,
  ref: OperationRef,
): Promise<FetchSummary> {
  const { directory } = await enterFirst(dependencies, attempt, ref);
  const done = await fetchedCollections.find(directory);
  if (done !== undefined) return summary(done);
  const read = requestOf(ref).dump === undefined ? fetchPieces : readDump;
  const fetched = await read(dependencies, attempt, ref, directory);
  await fetchedCollections.write(directory, fetched);
  return summary(fetched);
}

function summary({ read, archiveSize }: FetchedCollections): FetchSummary {
  return { read, ...(archiveSize === undefined ? {} : { archiveSize }) };
}
