import { BSON, type Document } from 'mongodb';
import {
  encodeCommand,
  isOk,
  messageHeaderBytes,
  replyBody,
  restOfReply,
} from '../../mongo/op-msg';

/** A header as a reply to request 5 has it, or changed. */
function header(change: { length?: number; responseTo?: number; opcode?: number } = {}): Buffer {
  const bytes = Buffer.alloc(messageHeaderBytes);
  bytes.writeInt32LE(change.length ?? 100, 0);
  bytes.writeInt32LE(change.responseTo ?? 5, 8);
  bytes.writeInt32LE(change.opcode ?? 2013, 12);
  return bytes;
}

/** What follows the header: flags, the section's kind, its document, and what else there is. */
function rest(document: Document, flags = 0, kind = 0, more: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32LE(flags, 0);
  head[4] = kind;
  return Buffer.concat([head, BSON.serialize(document), more]);
}

test('a command is one section, and decodes again', () => {
  const command = { find: 'c', batchSize: 3, $db: 'd' };
  const message = encodeCommand(7, { ...command, missing: undefined });
  expect(message.readInt32LE(0)).toBe(message.length);
  expect(message.readInt32LE(4)).toBe(7);
  expect(message.readInt32LE(8)).toBe(0);
  expect(message.readInt32LE(12)).toBe(2013);
  expect(BSON.deserialize(replyBody(message.subarray(messageHeaderBytes)))).toEqual(command);
});

test("a reply's header tells how much follows", () => {
  expect(restOfReply(header(), 5)).toBe(84);
  expect(restOfReply(header({ length: 48_000_000 }), 5)).toBe(48_000_000 - 16);
});

test.each([
  [{ opcode: 1 }, 'a reply that is no OP_MSG at byte 12'],
  [{ responseTo: 4 }, 'a reply to another request at byte 8'],
  [{ length: 20 }, 'impossible message length 20 at byte 0'],
  [{ length: -1 }, 'impossible message length -1 at byte 0'],
  [{ length: 48_000_001 }, 'impossible message length 48000001 at byte 0'],
])('a header with %j is refused: %s', (change, message) => {
  expect(() => restOfReply(header(change), 5)).toThrow(message);
});

test('a checksum is accepted, and flags that may be passed over are', () => {
  const document = { ok: 1 };
  const checksum = Buffer.from('abcd');
  expect(BSON.deserialize(replyBody(rest(document, 1, 0, checksum)))).toEqual(document);
  expect(BSON.deserialize(replyBody(rest(document, 0x10000)))).toEqual(document);
});

const noDocument = 'a reply that is not one document at byte 4';
test.each([
  ['flags that must be known', rest({}, 2), 'unknown flags 2 at byte 0'],
  ['another kind of section', rest({}, 0, 1), noDocument],
  ['more than one section', rest({}, 0, 0, rest({}).subarray(4)), noDocument],
  ['a document cut short', rest({ a: 1 }).subarray(0, -1), noDocument],
  ['a checksum it does not have', rest({ a: 1 }, 1), noDocument],
  ['nothing but flags and a kind', rest({}).subarray(0, 5), noDocument],
])('a reply with %s is refused', (_what, bytes, message) => {
  expect(() => replyBody(bytes)).toThrow(message);
});

test.each([
  [{ ok: new BSON.Double(1) }, true],
  [{ a: 1, ok: new BSON.Int32(1) }, true],
  [{ ok: 0 }, false],
  [{ ok: new BSON.Double(0.5) }, false],
  [{ ok: '1' }, false],
  [{ ok: true }, false],
  [{ a: 1 }, false],
])('of %j it is known whether it succeeded', (document, expected) => {
  expect(isOk(Buffer.from(BSON.serialize(document)))).toBe(expected);
});
