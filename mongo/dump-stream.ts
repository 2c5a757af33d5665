import { HoldfastError } from '../core/errors';
import { ResumePlaceGoneError, scanCollection, type ScannedMember } from './collection-scan';
import type { BoundCollection, DumpSink, ScanPosition, StreamResume } from './dump-contract';
import { bucketsPrefix } from './namespaces';

/** Places kept to fall back to when the newest record is deleted. */
const keptPositions = 16;
/** How often a capped collection may overtake its own scan before that is an error. */
const mostRestarts = 10;

/** Documents and bytes of a stream. */
export interface StreamTotals {
  readonly documents: number;
  readonly bytes: number;
}

export interface StreamRequest {
  readonly collection: BoundCollection;
  readonly resume: StreamResume | undefined;
  readonly batchBytes: number;
  /** Called after every accepted batch, and after every step back. */
  readonly onTotals: (totals: StreamTotals) => void;
}

/** The collection that holds the documents of what was listed. */
export function dataCollection({ name, type }: Pick<BoundCollection, 'name' | 'type'>): string {
  return type === 'timeseries' ? `${bucketsPrefix}${name}` : name;
}

/** Name of a collection's stream: the namespace that holds its documents. */
export function streamName(
  collection: Pick<BoundCollection, 'database' | 'name' | 'type'>,
): string {
  return `${collection.database}.${dataCollection(collection)}`;
}

/**
 * Writes one collection to the sink, from where an earlier attempt left it, and finishes its
 * stream. A place mongod no longer knows is given up for the one before it, in the end for the
 * start of the collection.
 *
 * @throws HoldfastError HF-MONGO-001, -004, -005, -006, and whatever the sink throws
 */
export async function dumpStream(
  member: ScannedMember,
  sink: DumpSink,
  request: StreamRequest,
): Promise<StreamTotals> {
  const { collection, resume, onTotals } = request;
  const stream = streamName(collection);
  const positions: ScanPosition[] = [...(resume?.positions ?? [])];
  const totals = (): StreamTotals => {
    const { documents, bytes } = positions.at(-1) ?? { documents: 0, bytes: 0 };
    return { documents, bytes };
  };
  onTotals(totals());
  if (resume?.done === true) return totals();
  for (let restarts = 0; ;) {
    try {
      await scanToEnd(member, sink, stream, positions, request, () => onTotals(totals()));
      await sink.finish(stream);
      return totals();
    } catch (error) {
      if (!(error instanceof ResumePlaceGoneError)) throw error;
      if (positions.length === 0 && ++restarts > mostRestarts) throw overtaken(stream, error);
      positions.pop();
      await sink.rewind(stream, positions.at(-1));
      onTotals(totals());
    }
  }
}

async function scanToEnd(
  member: ScannedMember,
  sink: DumpSink,
  stream: string,
  positions: ScanPosition[],
  { collection, batchBytes }: StreamRequest,
  written: () => void,
): Promise<void> {
  const from = positions.at(-1);
  let documents = from?.documents ?? 0;
  let bytes = from?.bytes ?? 0;
  const { size } = collection;
  const batches = scanCollection(member, {
    database: collection.database,
    collection: dataCollection(collection),
    uuid: collection.dataUuid,
    after: from === undefined ? undefined : Buffer.from(from.token, 'base64'),
    batchBytes,
    documentBytes: size.documents === 0 ? 1024 : size.bytes / size.documents,
    reserve: (most) => sink.reserve(stream, most),
  });
  for await (const batch of batches) {
    documents += batch.documents;
    bytes += batch.bytes.length;
    const position = { token: batch.token.toString('base64'), documents, bytes };
    await sink.write(stream, batch.bytes, batch.documents, position);
    positions.push(position);
    if (positions.length > keptPositions) positions.shift();
    written();
  }
}

function overtaken(stream: string, cause: ResumePlaceGoneError): HoldfastError {
  return new HoldfastError(
    'HF-MONGO-004',
    {
      command: 'find',
      target: stream,
      code: 136,
      reason: 'the capped collection is overwritten faster than it can be read',
    },
    { cause },
  );
}
