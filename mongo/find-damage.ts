import { bsonType, BsonFrameError, frameLength, rawElements } from './bson-frames';

/** mongod refuses what is nested deeper (BSONDepth). */
const deepest = 200;

function walk(buffer: Buffer, offset: number, depth: number): void {
  if (depth > deepest) throw new BsonFrameError('nested too deep', offset);
  for (const { type, valueStart } of rawElements(buffer, offset)) {
    if (type === bsonType.document || type === bsonType.array) walk(buffer, valueStart, depth + 1);
  }
}

/**
 * Finds what mongod saw when it refused documents as invalid BSON: walks each to its last element.
 *
 * @param documents one behind the other
 * @param offset where they begin in their stream, bytes
 * @returns an error that names the byte at which the first damaged document begins; undefined when
 * this walk finds none
 */
export function findDamage(documents: Buffer, offset: number): BsonFrameError | undefined {
  for (let at = 0; at < documents.length;) {
    const length = frameLength(documents, at);
    try {
      walk(documents.subarray(at, at + length), 0, 1);
    } catch (error) {
      if (!(error instanceof BsonFrameError)) throw error;
      return new BsonFrameError(`a damaged document (inside it ${error.message})`, offset + at);
    }
    at += length;
  }
  return undefined;
}
