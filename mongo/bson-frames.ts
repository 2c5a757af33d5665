/** Largest document mongod stores, bytes. */
export const maxDocumentBytes = 16 * 1024 * 1024;
/** Largest document in an oplog: 16 KiB more than a stored one (BSONObjMaxInternalSize). */
export const maxOplogEntryBytes = maxDocumentBytes + 16 * 1024;
/** The empty document is the smallest: length and terminator. */
const minDocumentBytes = 5;

/** BSON that cannot be read; `offset` is where in the buffer or stream, bytes. */
export class BsonFrameError extends Error {
  override readonly name = 'BsonFrameError';
  readonly offset: number;

  constructor(reason: string, offset: number) {
    super(`${reason} at byte ${offset}`);
    this.offset = offset;
  }
}

/** Element types of BSON (bsonspec.org), deprecated ones included. */
export const bsonType = {
  double: 0x01,
  string: 0x02,
  document: 0x03,
  array: 0x04,
  binary: 0x05,
  undefined: 0x06,
  objectId: 0x07,
  boolean: 0x08,
  date: 0x09,
  null: 0x0a,
  regex: 0x0b,
  dbPointer: 0x0c,
  code: 0x0d,
  symbol: 0x0e,
  codeWithScope: 0x0f,
  int32: 0x10,
  timestamp: 0x11,
  int64: 0x12,
  decimal128: 0x13,
  maxKey: 0x7f,
  minKey: 0xff,
} as const;

/** One element of a raw document. Offsets count from the start of the buffer that was walked. */
export interface RawElement {
  readonly name: string;
  readonly type: number;
  /** Where the element begins: its type byte. */
  readonly start: number;
  /** Where its value begins. */
  readonly valueStart: number;
  /** Where its value, and with it the element, ends. */
  readonly end: number;
}

/**
 * Length in bytes of the document that begins at `offset`.
 *
 * @throws BsonFrameError when it doesn't end within the buffer or lacks its terminator
 */
export function frameLength(buffer: Buffer, offset = 0, limit = maxOplogEntryBytes): number {
  if (buffer.length - offset < 4) throw new BsonFrameError('document cut short', offset);
  const length = buffer.readInt32LE(offset);
  if (length < minDocumentBytes || length > limit) {
    throw new BsonFrameError(`impossible document length ${length}`, offset);
  }
  if (offset + length > buffer.length) throw new BsonFrameError('document cut short', offset);
  if (buffer[offset + length - 1] !== 0) {
    throw new BsonFrameError('document without terminator', offset);
  }
  return length;
}

/**
 * Counts the documents of a buffer that holds whole documents and nothing else.
 *
 * @throws BsonFrameError
 */
export function countFrames(buffer: Buffer, limit = maxOplogEntryBytes): number {
  let count = 0;
  for (let offset = 0; offset < buffer.length; count++) {
    offset += frameLength(buffer, offset, limit);
  }
  return count;
}

/**
 * The documents of a buffer one by one, as views of it.
 *
 * @throws BsonFrameError
 */
export function* frames(buffer: Buffer, limit = maxOplogEntryBytes): Generator<Buffer, void, void> {
  for (let offset = 0; offset < buffer.length;) {
    const length = frameLength(buffer, offset, limit);
    yield buffer.subarray(offset, offset + length);
    offset += length;
  }
}

function cstringEnd(buffer: Buffer, offset: number, limit: number): number {
  const end = buffer.indexOf(0, offset);
  if (end < 0 || end >= limit) throw new BsonFrameError('name without end', offset);
  return end;
}

/**
 * Length in bytes of a value of `type` that begins at `offset`; it must end before `limit`.
 *
 * @throws BsonFrameError for an unknown type or a length that doesn't fit
 */
export function valueLength(buffer: Buffer, type: number, offset: number, limit: number): number {
  const length = declaredLength(buffer, type, offset, limit);
  if (length < 0 || offset + length > limit) throw new BsonFrameError('value cut short', offset);
  return length;
}

function int32(buffer: Buffer, offset: number, limit: number): number {
  if (offset + 4 > limit) throw new BsonFrameError('value cut short', offset);
  const value = buffer.readInt32LE(offset);
  if (value < 0) throw new BsonFrameError(`impossible length ${value}`, offset);
  return value;
}

function declaredLength(buffer: Buffer, type: number, offset: number, limit: number): number {
  switch (type) {
    case bsonType.undefined:
    case bsonType.null:
    case bsonType.minKey:
    case bsonType.maxKey:
      return 0;
    case bsonType.boolean:
      return 1;
    case bsonType.int32:
      return 4;
    case bsonType.double:
    case bsonType.date:
    case bsonType.timestamp:
    case bsonType.int64:
      return 8;
    case bsonType.objectId:
      return 12;
    case bsonType.decimal128:
      return 16;
    case bsonType.string:
    case bsonType.code:
    case bsonType.symbol:
      return 4 + int32(buffer, offset, limit);
    case bsonType.dbPointer:
      return 4 + int32(buffer, offset, limit) + 12;
    case bsonType.binary:
      return 5 + int32(buffer, offset, limit);
    case bsonType.document:
    case bsonType.array:
    case bsonType.codeWithScope: {
      const length = int32(buffer, offset, limit);
      if (length < minDocumentBytes)
        throw new BsonFrameError(`impossible length ${length}`, offset);
      return length;
    }
    case bsonType.regex: {
      const pattern = cstringEnd(buffer, offset, limit);
      return cstringEnd(buffer, pattern + 1, limit) + 1 - offset;
    }
    default:
      throw new BsonFrameError(`unknown element type 0x${type.toString(16)}`, offset);
  }
}

/**
 * Walks the elements of the document that begins at `offset`, without decoding any value.
 *
 * @throws BsonFrameError
 */
export function* rawElements(buffer: Buffer, offset = 0): Generator<RawElement, void, void> {
  const end = offset + frameLength(buffer, offset, buffer.length) - 1;
  for (let at = offset + 4; at < end;) {
    const start = at;
    const type = buffer[start] ?? 0;
    const nameEnd = cstringEnd(buffer, start + 1, end);
    const valueStart = nameEnd + 1;
    at = valueStart + valueLength(buffer, type, valueStart, end);
    yield { name: buffer.toString('utf8', start + 1, nameEnd), type, start, valueStart, end: at };
  }
}

/** The first element of that name, as `{a: 1}`'s `a`; undefined when there is none. */
export function findElement(buffer: Buffer, name: string, offset = 0): RawElement | undefined {
  for (const element of rawElements(buffer, offset)) if (element.name === name) return element;
  return undefined;
}

/** The bytes of an element's value, as a view. */
export function elementValue(buffer: Buffer, element: RawElement): Buffer {
  return buffer.subarray(element.valueStart, element.end);
}

/** Text of an element that is a string, undefined for every other type. */
export function stringValue(buffer: Buffer, element: RawElement | undefined): string | undefined {
  if (element?.type !== bsonType.string) return undefined;
  return buffer.toString('utf8', element.valueStart + 4, element.end - 1);
}

/**
 * Identity of a document: the type byte of its `_id` followed by the value's bytes, copied;
 * undefined when it has none. Equal bytes are equal ids; numbers of different types that mongod
 * takes for equal have different bytes.
 */
export function rawId(document: Buffer, offset = 0): Buffer | undefined {
  const element = findElement(document, '_id', offset);
  if (element === undefined) return undefined;
  const id = Buffer.allocUnsafe(1 + element.end - element.valueStart);
  id[0] = element.type;
  document.copy(id, 1, element.valueStart, element.end);
  return id;
}
