import { canonicalJson } from '../../mongo/canonical-json';
import { extendedJsonToBson } from '../../mongo/extended-json';
import { bsonType } from '../../mongo/bson-frames';
import { document, element, everyType, int32 } from './raw-bson';

test('every type comes back as the bytes it was written from', () => {
  for (const raw of everyType()) {
    const json = canonicalJson(raw);
    const back = extendedJsonToBson(json);
    expect(canonicalJson(back)).toBe(json);
    // Extended JSON has one NaN only, and no names for the items of an array.
    if (json.includes('NaN') || json.includes('[')) continue;
    expect({ json, equal: back.equals(raw) }).toEqual({ json, equal: true });
  }
});

test('plain numbers, as old tools wrote them, become the type that fits', () => {
  const raw = extendedJsonToBson(
    '{ "b" : 1, "a":-2147483649,"c":1.5,"10":true,"2":null, "x": "\\u00e9\\"" }',
  );
  expect(canonicalJson(raw)).toBe(
    '{"b":{"$numberInt":"1"},"a":{"$numberLong":"-2147483649"},"c":{"$numberDouble":"1.5"},"10":true,"2":null,"x":"é\\""}',
  );
});

test('keys keep their order and repetition', () => {
  const raw = document(
    element(bsonType.int32, '10', int32(1)),
    element(bsonType.int32, '2', int32(2)),
    element(bsonType.int32, '10', int32(3)),
  );
  expect(extendedJsonToBson(canonicalJson(raw)).equals(raw)).toBe(true);
});

test.each(['', '[]', '{', '{"a":1,}', '{"a" 1}', '{"a":1} x', '{"$numberInt":"1"}', '{"a":tru}'])(
  'what is no document is refused: %s',
  (text) => {
    expect(() => extendedJsonToBson(text)).toThrow(SyntaxError);
  },
);

test('nesting without end is refused', () => {
  expect(() => extendedJsonToBson(`{"a":${'['.repeat(10_000)}`)).toThrow('nested too deep');
});
