import { BSON, type Document } from 'mongodb';
import { BsonFrameError, bsonType, rawElements } from './bson-frames';

/** Length of what every message begins with (MongoDB wire protocol, MsgHeader), bytes. */
export const messageHeaderBytes = 16;
/** `maxMessageSizeBytes` of every mongod. */
const maxMessageBytes = 48_000_000;
const opMsg = 2013;
const flagBytes = 4;
const bodyKind = 0;
const checksumPresent = 0x1;
/** Bits that whoever does not know them must refuse (OP_MSG, "Flag Bits"), less the checksum's. */
const unknownRequired = 0xfffe;
const checksumBytes = 4;

/** A command as an OP_MSG with one section; the database is its `$db`. */
export function encodeCommand(requestId: number, command: Document): Buffer {
  const body = BSON.serialize(command, { ignoreUndefined: true });
  const message = Buffer.alloc(messageHeaderBytes + flagBytes + 1 + body.length);
  message.writeInt32LE(message.length, 0);
  message.writeInt32LE(requestId, 4);
  message.writeInt32LE(opMsg, 12);
  message.set(body, messageHeaderBytes + flagBytes + 1);
  return message;
}

/**
 * Bytes that follow a reply's header.
 *
 * @throws BsonFrameError when it is no OP_MSG, or answers another request
 */
export function restOfReply(header: Buffer, requestId: number): number {
  const length = header.readInt32LE(0);
  if (header.readInt32LE(12) !== opMsg) throw new BsonFrameError('a reply that is no OP_MSG', 12);
  if (header.readInt32LE(8) !== requestId) {
    throw new BsonFrameError('a reply to another request', 8);
  }
  const rest = length - messageHeaderBytes;
  if (length > maxMessageBytes || rest < flagBytes + 1) {
    throw new BsonFrameError(`impossible message length ${length}`, 0);
  }
  return rest;
}

/**
 * The body of a reply, as a view.
 *
 * @param rest the reply without its header
 * @throws BsonFrameError when it has other sections, or flags that are not known
 */
export function replyBody(rest: Buffer): Buffer {
  const flags = rest.readUInt32LE(0);
  if ((flags & unknownRequired) !== 0) throw new BsonFrameError(`unknown flags ${flags}`, 0);
  const end = rest.length - ((flags & checksumPresent) === 0 ? 0 : checksumBytes);
  const body = rest.subarray(flagBytes + 1, Math.max(end, flagBytes + 1));
  if (rest[flagBytes] !== bodyKind || body.length < 5 || body.readInt32LE(0) !== body.length) {
    throw new BsonFrameError('a reply that is not one document', flagBytes);
  }
  return body;
}

/** Whether the command succeeded: its `ok` is 1, as a double or an integer. */
export function isOk(body: Buffer): boolean {
  for (const { name, type, valueStart } of rawElements(body)) {
    if (name !== 'ok') continue;
    if (type === bsonType.double) return body.readDoubleLE(valueStart) === 1;
    return type === bsonType.int32 && body.readInt32LE(valueStart) === 1;
  }
  return false;
}
