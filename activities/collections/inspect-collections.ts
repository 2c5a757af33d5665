import { BsonFrames } from '../../archive/bson-frames';
import { errorText, HoldfastError, isHoldfastError } from '../../core/errors';
import { quoteName } from '../../core/ids';
import type { OperationRef } from '../../core/operation';
import { parseMetadata } from '../../mongo/metadata-parse';
import type { ActivityDependencies } from '../dependencies';
import { enterOperation } from '../operation';
import type { Attempt } from '../step';
import type { InspectionSummary } from '../steps';
import { chosenCollections, fetchedCollections, type Chosen, type Location } from './chosen';
import { readLocation } from './chosen-content';

/** Largest document that mongod stores, and that an oplog holds, bytes. */
const largestDocument = 16 * 1024 * 1024;
const largestEntry = largestDocument + 16 * 1024;

/**
 * Proves what was chosen, to its last byte, before anything is changed: digests where the backup has
 * them, gzip, frames of documents, metadata.
 *
 * Side effect: a result in the run directory. Idempotency key: the run id. Checkpoint: none, reading
 * starts anew. Timeouts: the heartbeat.
 * @throws HoldfastError HF-ARCHIVE-001 naming the entry and the byte
 */
export async function inspectCollections(
  dependencies: ActivityDependencies,
  attempt: Attempt,
  ref: OperationRef,
): Promise<InspectionSummary> {
  const { directory } = await enterOperation(dependencies, ref);
  const done = await chosenCollections.find(directory);
  if (done !== undefined) return summary(done);
  const { signal, progress } = attempt;
  const fetched = await fetchedCollections.read(directory);
  const { name, read: _, archiveSize: __, ...found } = fetched;
  progress.expect(found.collections.reduce((sum, { bytes }) => sum + bytes, 0));
  let proven = 0;
  const prove = async (where: string, data: Location, largest: number): Promise<Proof> => {
    const frames = new BsonFrames(largest);
    let bytes = 0;
    try {
      for await (const chunk of readLocation(directory, name, data, 0, signal)) {
        signal.throwIfAborted();
        frames.update(chunk);
        bytes += chunk.length;
        proven += chunk.length;
        progress.advance(proven, where);
      }
      return { documents: frames.finish(), bytes };
    } catch (error) {
      signal.throwIfAborted();
      if (isHoldfastError(error)) throw error;
      throw damaged(name, where, bytes, error);
    }
  };
  const collections: Chosen['collections'] = [];
  for (const one of found.collections) {
    const { type } = parseMetadata(one.metadata, one.source);
    const { data } = one;
    if (data === undefined && type !== 'view') {
      throw damaged(name, one.source, 0, new Error('the documents of it are not there'));
    }
    const proof = data === undefined ? noData : await prove(one.source, data, largestDocument);
    collections.push({ ...one, ...proof });
  }
  const { oplog } = found;
  const entries =
    oplog === undefined || collections.length === 0
      ? undefined
      : await prove('oplog.bson', oplog.data, largestEntry);
  const chosen: Chosen = {
    collections,
    ...(oplog === undefined || entries === undefined
      ? {}
      : { oplog: { ...oplog, entries: entries.documents } }),
    ...(found.oplogEnd === undefined ? {} : { oplogEnd: found.oplogEnd }),
    left: found.left,
    unmatched: found.unmatched,
    serverVersion: found.serverVersion,
  };
  await chosenCollections.write(directory, chosen);
  return summary(chosen);
}

interface Proof {
  readonly documents: number;
  readonly bytes: number;
}

const noData: Proof = { documents: 0, bytes: 0 };

function damaged(archive: string, where: string, bytes: number, error: unknown): HoldfastError {
  const reason = errorText(error);
  // A frame says itself where it begins; what is cut off, or no gzip, ends where it was read to.
  const place = / at byte \d+/.test(reason) ? '' : ` (byte ${bytes})`;
  return new HoldfastError(
    'HF-ARCHIVE-001',
    { archive, where: `${quoteName(where)}${place}`, reason },
    { cause: error },
  );
}

function summary({ collections }: Chosen): InspectionSummary {
  return {
    entries: collections.length,
    documents: collections.reduce((sum, { documents }) => sum + documents, 0),
    bytes: collections.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}
