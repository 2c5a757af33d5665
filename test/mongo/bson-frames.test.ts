import { BSON } from 'mongodb';
import {
  BsonFrameError,
  countFrames,
  findElement,
  frames,
  rawElements,
  rawId,
  stringValue,
} from '../../mongo/bson-frames';
import { canonicalJson, doubleText, jsonString } from '../../mongo/canonical-json';
import { compactBatch, readCursorReply, resumeTokenDocument } from '../../mongo/raw-reply';
import { document, element, everyType, int32, text } from './raw-bson';

const three = Buffer.concat(everyType().slice(0, 3));

test('frames of a buffer are counted and given out as they are', () => {
  expect(countFrames(three)).toBe(3);
  expect(Buffer.concat([...frames(three)]).equals(three)).toBe(true);
  expect(countFrames(Buffer.alloc(0))).toBe(0);
});

test.each([
  ['a document cut short', three.subarray(0, three.length - 1), /cut short/],
  ['a length of four', Buffer.from('04000000', 'hex'), /length 4/],
  ['a negative length', Buffer.from('ffffffff00', 'hex'), /length -1/],
  ['a missing terminator', Buffer.from('0500000001', 'hex'), /terminator/],
  ['two bytes', Buffer.from('0500', 'hex'), /cut short/],
])('%s is an error, never a silent end', (_, bytes, message) => {
  expect(() => countFrames(bytes)).toThrow(message);
  expect(() => countFrames(bytes)).toThrow(BsonFrameError);
});

test('every BSON type is walked without being decoded, down to the last byte', () => {
  for (const one of everyType()) {
    const elements = [...rawElements(one)];
    expect(elements.at(-1)?.end).toBe(one.length - 1);
    expect(rawId(one)?.[0]).toBe(2);
    expect(stringValue(one, findElement(one, '_id'))).toBeDefined();
  }
  const [, second] = everyType()
    .slice(-1)
    .flatMap((one) => [...rawElements(one)]);
  expect(second?.name).toBe('a');
});

test('an element that reaches past its document is an error', () => {
  const bad = document(element(2, 'a', Buffer.concat([int32(99), Buffer.from('x\0')])));
  expect(() => [...rawElements(bad)]).toThrow(/cut short/);
  expect(() => [...rawElements(document(element(0x55, 'a')))]).toThrow(/unknown element type/);
});

test('a batch is compacted in place to the documents alone', () => {
  const documents = everyType();
  const array = document(...documents.map((one, at) => element(3, String(at), one)));
  const token = document(element(0x12, '$recordId', Buffer.from('0700000000000000', 'hex')));
  const cursor = document(
    element(4, 'nextBatch', array),
    element(3, 'postBatchResumeToken', token),
    element(0x12, 'id', Buffer.from('0900000000000000', 'hex')),
    element(2, 'ns', text('juju.x')),
  );
  const reply = readCursorReply(cursor);
  const batch = compactBatch(cursor, reply);
  expect(batch.documents).toBe(documents.length);
  expect(batch.bytes.equals(Buffer.concat(documents))).toBe(true);
  expect(reply.id).toBe(9n);
  expect(reply.resumeToken?.equals(token)).toBe(true);
  const sent = Buffer.from(BSON.serialize(resumeTokenDocument(token)));
  expect(sent.equals(token)).toBe(true);
});

test('numbers and strings have the form the Go driver gives them', () => {
  expect(
    [0, -0, 1, 1.5, 100_000, 1e6, 1_234_567.5, 0.0001, 0.00001, -1e21, 5e-324, NaN, -Infinity].map(
      doubleText,
    ),
  ).toEqual([
    '0.0',
    '-0.0',
    '1.0',
    '1.5',
    '100000.0',
    '1E+06',
    '1.2345675E+06',
    '0.0001',
    '1E-05',
    '-1E+21',
    '5E-324',
    'NaN',
    '-Infinity',
  ]);
  expect(jsonString('a"\\\n\u0001\u2028<é')).toBe('"a\\"\\\\\\n\\u0001\\u2028<é"');
  const json = canonicalJson(everyType().at(-1) ?? Buffer.alloc(0));
  expect(json).toContain('"a":{"$numberInt":"1"},"a":"again","10":{"$numberInt":"1"},"2":');
});
