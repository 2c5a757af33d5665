import { bsonType, BsonFrameError, maxDocumentBytes, valueLength } from './bson-frames';
import { maxBatchBytes, maxBatchDocuments } from './raw-insert';

/** Whole documents that lie one after the other. */
export interface RawBatch {
  readonly bytes: Buffer;
  readonly documents: number;
  /** Where the batch ends in the stream, bytes. */
  readonly end: number;
  /** Documents, as ranges of `bytes`, that an insert would change (see insertVerbatim). */
  readonly verbatim: readonly { readonly start: number; readonly end: number }[];
}

const idName = Buffer.from('_id\0');
/** What ends an element that holds Timestamp(0, 0): the terminator of its name, and the value. */
const zeros = Buffer.alloc(9);

function startsWithId(buffer: Buffer, at: number): boolean {
  return buffer.compare(idName, 0, 4, at + 5, at + 9) === 0;
}

function hasZeroTimestamp(buffer: Buffer, start: number, end: number): boolean {
  for (let at = start + 4; at < end - 1;) {
    const type = buffer[at] ?? 0;
    const value = buffer.indexOf(0, at + 1) + 1;
    if (type === bsonType.timestamp && buffer.readBigInt64LE(value) === 0n) return true;
    at = value + valueLength(buffer, type, value, end);
  }
  return false;
}

/** What a part of a chunk may have more than the others, bytes: documents are not cut. */
const unevenness = 64 * 1024;

/** Takes whole documents from `at` on, up to `most` bytes but at least one; undefined when there is none. */
function cut(
  buffer: Buffer,
  at: number,
  most: number,
  offset: number,
): Omit<RawBatch, 'end'> | undefined {
  const verbatim: { start: number; end: number }[] = [];
  let zero = buffer.indexOf(zeros, at);
  let documents = 0;
  let end = at;
  while (buffer.length - end >= 4 && documents < maxBatchDocuments) {
    const length = buffer.readInt32LE(end);
    if (length < 5 || length > maxDocumentBytes) {
      throw new BsonFrameError(`impossible document length ${length}`, offset + end);
    }
    if (end + length > buffer.length || (documents > 0 && end + length - at > most)) break;
    if (zero >= 0 && zero < end) zero = buffer.indexOf(zeros, end);
    const suspicious = zero >= 0 && zero < end + length;
    if (!startsWithId(buffer, end) || (suspicious && hasZeroTimestamp(buffer, end, end + length))) {
      verbatim.push({ start: end - at, end: end + length - at });
    }
    end += length;
    documents++;
  }
  return documents === 0 ? undefined : { bytes: buffer.subarray(at, end), documents, verbatim };
}

/**
 * Cuts a stream of documents into batches for `insert`: of about 2 MB and up to 100,000 documents, or
 * one larger document. A chunk that ends with a document, as the members of Holdfast's own dumps do,
 * is cut evenly and never copied. Holds one chunk, or a batch gathered from smaller ones.
 *
 * @param offset where in the .bson the stream begins, bytes
 * @throws BsonFrameError when a document is cut short or impossible
 */
export async function* rawBatches(
  chunks: AsyncIterable<Buffer>,
  offset: number,
): AsyncGenerator<RawBatch, void, void> {
  let held: Buffer[] = [];
  let heldBytes = 0;
  let wanted = maxBatchBytes;
  let consumed = offset;
  function* batches(): Generator<RawBatch, void, void> {
    const [only] = held;
    const buffer = held.length === 1 && only !== undefined ? only : Buffer.concat(held, heldBytes);
    const parts = Math.ceil(buffer.length / (1.25 * maxBatchBytes));
    const most = Math.ceil(buffer.length / parts) + unevenness;
    let at = 0;
    for (;;) {
      const batch = cut(buffer, at, most, consumed - at);
      if (batch === undefined) break;
      at += batch.bytes.length;
      consumed += batch.bytes.length;
      yield { ...batch, end: consumed };
    }
    const rest = buffer.subarray(at);
    held = rest.length === 0 ? [] : [rest];
    heldBytes = rest.length;
    const next = rest.length >= 4 ? rest.readInt32LE(0) : 0;
    wanted = Math.max(maxBatchBytes, next);
  }
  for await (const chunk of chunks) {
    if (chunk.length === 0) continue;
    held.push(chunk);
    heldBytes += chunk.length;
    if (heldBytes >= wanted) yield* batches();
  }
  if (heldBytes > 0) yield* batches();
  if (heldBytes > 0) throw new BsonFrameError('document cut short', consumed);
}
