import { Decimal128 } from 'mongodb';
import { BsonFrameError, bsonType, rawElements, type RawElement } from './bson-frames';

/**
 * Writes raw BSON as canonical Extended JSON v2, byte for byte as the Go driver does and with it
 * mongodump: keys in the document's order, integer-like and repeated ones included, no spaces.
 * (Format: MongoDB Extended JSON v2 specification; number and string forms of Go's strconv.)
 *
 * @throws BsonFrameError
 */
export function canonicalJson(document: Buffer, offset = 0): string {
  const members: string[] = [];
  for (const element of rawElements(document, offset)) {
    members.push(`${jsonString(element.name)}:${value(document, element)}`);
  }
  return `{${members.join(',')}}`;
}

function arrayJson(document: Buffer, offset: number): string {
  const members: string[] = [];
  for (const element of rawElements(document, offset)) members.push(value(document, element));
  return `[${members.join(',')}]`;
}

/** JSON form of one element's value, as {@link canonicalJson} writes it. */
export function elementJson(document: Buffer, element: RawElement): string {
  return value(document, element);
}

function text(document: Buffer, at: number): string {
  return document.toString('utf8', at + 4, at + 4 + document.readInt32LE(at) - 1);
}

function hex(document: Buffer, start: number, end: number): string {
  return document.toString('hex', start, end);
}

function value(document: Buffer, { type, valueStart: at, end }: RawElement): string {
  switch (type) {
    case bsonType.double:
      return `{"$numberDouble":"${doubleText(document.readDoubleLE(at))}"}`;
    case bsonType.string:
      return jsonString(text(document, at));
    case bsonType.document:
      return canonicalJson(document, at);
    case bsonType.array:
      return arrayJson(document, at);
    case bsonType.binary:
      return binaryJson(document, at, end);
    case bsonType.undefined:
      return '{"$undefined":true}';
    case bsonType.objectId:
      return `{"$oid":"${hex(document, at, end)}"}`;
    case bsonType.boolean:
      return document[at] === 0 ? 'false' : 'true';
    case bsonType.date:
      return `{"$date":{"$numberLong":"${document.readBigInt64LE(at)}"}}`;
    case bsonType.null:
      return 'null';
    case bsonType.regex:
      return regexJson(document, at, end);
    case bsonType.dbPointer:
      return `{"$dbPointer":{"$ref":"${text(document, at)}","$id":{"$oid":"${hex(document, end - 12, end)}"}}}`;
    case bsonType.code:
      return `{"$code":${jsonString(text(document, at))}}`;
    case bsonType.symbol:
      return `{"$symbol":${jsonString(text(document, at))}}`;
    case bsonType.codeWithScope: {
      const scope = at + 4 + 4 + document.readInt32LE(at + 4);
      return `{"$code":${jsonString(text(document, at + 4))},"$scope":${canonicalJson(document, scope)}}`;
    }
    case bsonType.int32:
      return `{"$numberInt":"${document.readInt32LE(at)}"}`;
    case bsonType.timestamp:
      return `{"$timestamp":{"t":${document.readUInt32LE(at + 4)},"i":${document.readUInt32LE(at)}}}`;
    case bsonType.int64:
      return `{"$numberLong":"${document.readBigInt64LE(at)}"}`;
    case bsonType.decimal128:
      return `{"$numberDecimal":"${new Decimal128(document.subarray(at, end)).toString()}"}`;
    case bsonType.maxKey:
      return '{"$maxKey":1}';
    case bsonType.minKey:
      return '{"$minKey":1}';
    default:
      throw new BsonFrameError(`unknown element type 0x${type.toString(16)}`, at);
  }
}

function binaryJson(document: Buffer, at: number, end: number): string {
  const subType = document[at + 4] ?? 0;
  // The old binary subtype repeats its length inside.
  const start = at + 5 + (subType === 2 ? 4 : 0);
  const name = subType.toString(16).padStart(2, '0');
  return `{"$binary":{"base64":"${document.toString('base64', start, end)}","subType":"${name}"}}`;
}

function regexJson(document: Buffer, at: number, end: number): string {
  const patternEnd = document.indexOf(0, at);
  const pattern = document.toString('utf8', at, patternEnd);
  const options = Array.from(document.toString('utf8', patternEnd + 1, end - 1))
    .toSorted()
    .join('');
  return `{"$regularExpression":{"pattern":${jsonString(pattern)},"options":"${options}"}}`;
}

/** Go's `strconv.FormatFloat(f, 'G', -1, 64)`, with `.0` where neither point nor exponent is. */
export function doubleText(number: number): string {
  if (Number.isNaN(number)) return 'NaN';
  if (!Number.isFinite(number)) return number > 0 ? 'Infinity' : '-Infinity';
  if (number === 0) return Object.is(number, -0) ? '-0.0' : '0.0';
  const [mantissa = '', exponentText = '0'] = number.toExponential().split('e');
  const exponent = Number(exponentText);
  const digits = mantissa.replace(/[-.]/g, '').length;
  // Go decides as if six digits had been asked for, however many the number has.
  if (exponent < -4 || exponent >= 6) {
    const size = String(Math.abs(exponent)).padStart(2, '0');
    return `${mantissa}E${exponent < 0 ? '-' : '+'}${size}`;
  }
  const plain = number.toFixed(Math.max(0, digits - 1 - exponent));
  return plain.includes('.') ? plain : `${plain}.0`;
}

const short: Readonly<Record<string, string>> = {
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\b': '\\b',
  '\f': '\\f',
  '"': '\\"',
  '\\': '\\\\',
};

/** A JSON string with the escapes of the Go driver. */
export function jsonString(content: string): string {
  const escaped = content.replace(
    // oxlint-disable-next-line no-control-regex -- control characters are what is escaped
    /["\\\u0000-\u001f\u2028\u2029]/g,
    (c) => short[c] ?? `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return `"${escaped}"`;
}
