import { BSON, type Document } from 'mongodb';
import { BsonFrameError, bsonType, rawElements } from './bson-frames';

/** Where things are in the `cursor` document of a reply to find or getMore. */
export interface RawCursorReply {
  /** Cursor id; 0n when the server has closed it. */
  readonly id: bigint;
  /** `postBatchResumeToken` as BSON, copied; undefined when the server gave none that can be used. */
  readonly resumeToken: Buffer | undefined;
  /** Start and end of the batch's array inside the document, bytes. */
  readonly batchStart: number;
  readonly batchEnd: number;
}

/** Documents of one batch, one behind the other. */
export interface RawDocuments {
  /** A view into the reply: nobody else uses that memory any more. */
  readonly bytes: Buffer;
  readonly documents: number;
}

function usableToken(cursor: Buffer, start: number, end: number): Buffer | undefined {
  for (const element of rawElements(cursor, start)) {
    // A scan that ended without meeting a record has no place to resume from.
    if (element.name === '$recordId' && element.type === bsonType.null) return undefined;
  }
  return Buffer.from(cursor.subarray(start, end));
}

/**
 * Reads the frame of a reply's `cursor` document, without decoding anything.
 *
 * @throws BsonFrameError when it isn't one
 */
export function readCursorReply(cursor: Buffer): RawCursorReply {
  let id: bigint | undefined;
  let resumeToken: Buffer | undefined;
  let batch: { start: number; end: number } | undefined;
  for (const element of rawElements(cursor)) {
    const { name, type, valueStart, end } = element;
    if (name === 'id' && type === bsonType.int64) id = cursor.readBigInt64LE(valueStart);
    if ((name === 'firstBatch' || name === 'nextBatch') && type === bsonType.array) {
      batch = { start: valueStart, end };
    }
    if (name === 'postBatchResumeToken' && type === bsonType.document) {
      resumeToken = usableToken(cursor, valueStart, end);
    }
  }
  if (id === undefined || batch === undefined) {
    throw new BsonFrameError('a cursor reply without id or batch', 0);
  }
  return { id, resumeToken, batchStart: batch.start, batchEnd: batch.end };
}

/**
 * Moves the documents of a batch together in place, dropping the array's type bytes and keys, so
 * that they lie as in a .bson file. No document is decoded.
 *
 * @throws BsonFrameError when the array holds anything but whole documents
 */
export function compactBatch(cursor: Buffer, reply: RawCursorReply): RawDocuments {
  const start = reply.batchStart + 4;
  return compactArray(cursor, start, reply.batchEnd - 1, start);
}

/**
 * As compactBatch, for an array whose elements lie from `start` to `end` of `memory`; the documents
 * are moved to `target`, which must not be behind `start`.
 */
export function compactArray(
  memory: Buffer,
  start: number,
  end: number,
  target: number,
): RawDocuments {
  let filled = target;
  let at = start;
  let documents = 0;
  while (at < end) {
    if (memory[at] !== bsonType.document) throw new BsonFrameError('not a document', at);
    let document = at + 1;
    while (document < end && memory[document] !== 0) document++;
    document++;
    if (document + 5 > end) throw new BsonFrameError('document cut short', document);
    const next = document + memory.readInt32LE(document);
    if (next < document + 5 || next > end || memory[next - 1] !== 0) {
      throw new BsonFrameError('impossible document length', document);
    }
    memory.copyWithin(filled, document, next);
    filled += next - document;
    at = next;
    documents++;
  }
  return { bytes: memory.subarray(target, filled), documents };
}

/**
 * A resume token as a command takes it: its Int64 stays one. (The driver's default turns it into
 * an Int32, which mongod refuses.)
 */
export function resumeTokenDocument(token: Buffer): Document {
  return BSON.deserialize(token, { promoteLongs: false, promoteValues: false });
}
