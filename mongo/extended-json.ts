import { Decimal128, ObjectId } from 'bson';
import { bsonType } from './bson-frames';
import { parseOrderedJson, type OrderedJson } from './ordered-json';
import { rawDocument, rawElement } from './raw-document';

interface Typed {
  readonly type: number;
  readonly value: Buffer;
}

const none = Buffer.alloc(0);

function bad(what: string): SyntaxError {
  return new SyntaxError(`not Extended JSON: ${what}`);
}

function textOf(json: OrderedJson | undefined, what: string): string {
  if (json?.kind === 'string' || json?.kind === 'number') return json.text;
  throw bad(what);
}

function member(json: OrderedJson, name: string): OrderedJson | undefined {
  if (json.kind !== 'object') return undefined;
  return json.members.find(([key]) => key === name)?.[1];
}

function buffer(length: number, write: (target: Buffer) => void): Buffer {
  const target = Buffer.alloc(length);
  write(target);
  return target;
}

function integer(text: string): bigint {
  if (!/^[-+]?\d+$/.test(text)) throw bad(`${JSON.stringify(text)} is no integer`);
  return BigInt(text);
}

function int32(text: string): Buffer {
  return buffer(4, (target) => target.writeInt32LE(Number(integer(text))));
}

function int64(text: string): Buffer {
  return buffer(8, (target) => target.writeBigInt64LE(integer(text)));
}

function double(text: string): Buffer {
  const value = Number(text);
  if (text.trim() === '' || (Number.isNaN(value) && text !== 'NaN')) {
    throw bad(`${JSON.stringify(text)} is no number`);
  }
  return buffer(8, (target) => target.writeDoubleLE(value));
}

function string(text: string): Buffer {
  const bytes = Buffer.from(`${text}\0`);
  return Buffer.concat([buffer(4, (target) => target.writeInt32LE(bytes.length)), bytes]);
}

function objectId(hex: string): Buffer {
  return Buffer.from(ObjectId.createFromHexString(hex).id);
}

function binary(body: OrderedJson): Typed {
  const bytes = Buffer.from(textOf(member(body, 'base64'), '$binary'), 'base64');
  const subType = Number.parseInt(textOf(member(body, 'subType'), '$binary'), 16);
  const inner = subType === 2 ? Buffer.concat([int32(String(bytes.length)), bytes]) : bytes;
  const head = Buffer.concat([int32(String(inner.length)), Buffer.from([subType])]);
  return { type: bsonType.binary, value: Buffer.concat([head, inner]) };
}

function date(body: OrderedJson): Typed {
  const long = member(body, '$numberLong');
  const text =
    long === undefined && body.kind === 'string'
      ? String(Date.parse(body.text))
      : textOf(long ?? body, '$date');
  return { type: bsonType.date, value: int64(text) };
}

function timestamp(body: OrderedJson): Typed {
  const seconds = Number(textOf(member(body, 't'), '$timestamp'));
  const increment = Number(textOf(member(body, 'i'), '$timestamp'));
  return {
    type: bsonType.timestamp,
    value: buffer(8, (target) => {
      target.writeUInt32LE(increment, 0);
      target.writeUInt32LE(seconds, 4);
    }),
  };
}

function regex(body: OrderedJson): Typed {
  const pattern = textOf(member(body, 'pattern'), '$regularExpression');
  const options = textOf(member(body, 'options'), '$regularExpression');
  return { type: bsonType.regex, value: Buffer.from(`${pattern}\0${options}\0`) };
}

function code(json: OrderedJson, body: OrderedJson): Typed {
  const source = string(textOf(body, '$code'));
  const scope = member(json, '$scope');
  if (scope === undefined) return { type: bsonType.code, value: source };
  const inner = Buffer.concat([source, typed(scope).value]);
  return {
    type: bsonType.codeWithScope,
    value: Buffer.concat([int32(String(inner.length + 4)), inner]),
  };
}

function dbPointer(body: OrderedJson): Typed {
  const id = member(body, '$id');
  const oid = textOf(id === undefined ? undefined : member(id, '$oid'), '$dbPointer');
  const value = Buffer.concat([string(textOf(member(body, '$ref'), '$dbPointer')), objectId(oid)]);
  return { type: bsonType.dbPointer, value };
}

/** The value that `{"$kind": body}` stands for; undefined when it is a plain document. */
function wrapped(json: OrderedJson, name: string, body: OrderedJson): Typed | undefined {
  switch (name) {
    case '$numberInt':
      return { type: bsonType.int32, value: int32(textOf(body, name)) };
    case '$numberLong':
      return { type: bsonType.int64, value: int64(textOf(body, name)) };
    case '$numberDouble':
      return { type: bsonType.double, value: double(textOf(body, name)) };
    case '$numberDecimal':
      return {
        type: bsonType.decimal128,
        value: Buffer.from(Decimal128.fromString(textOf(body, name)).bytes),
      };
    case '$oid':
      return { type: bsonType.objectId, value: objectId(textOf(body, name)) };
    case '$binary':
      return body.kind === 'object' ? binary(body) : undefined;
    case '$date':
      return date(body);
    case '$timestamp':
      return timestamp(body);
    case '$regularExpression':
      return regex(body);
    case '$code':
      return code(json, body);
    case '$symbol':
      return { type: bsonType.symbol, value: string(textOf(body, name)) };
    case '$dbPointer':
      return dbPointer(body);
    case '$undefined':
      return { type: bsonType.undefined, value: none };
    case '$minKey':
      return { type: bsonType.minKey, value: none };
    case '$maxKey':
      return { type: bsonType.maxKey, value: none };
    default:
      return undefined;
  }
}

function number(text: string): Typed {
  if (/[.eE]/.test(text)) return { type: bsonType.double, value: double(text) };
  const big = BigInt(text);
  return big >= -(2n ** 31n) && big < 2n ** 31n
    ? { type: bsonType.int32, value: int32(text) }
    : { type: bsonType.int64, value: int64(text) };
}

function typed(json: OrderedJson): Typed {
  switch (json.kind) {
    case 'string':
      return { type: bsonType.string, value: string(json.text) };
    case 'number':
      return number(json.text);
    case 'literal':
      return json.value === null
        ? { type: bsonType.null, value: none }
        : { type: bsonType.boolean, value: Buffer.from([json.value ? 1 : 0]) };
    case 'array': {
      const items = json.items.map((item, index) => element(String(index), item));
      return { type: bsonType.array, value: rawDocument(items) };
    }
    case 'object': {
      const [first] = json.members;
      const special = first === undefined ? undefined : wrapped(json, first[0], first[1]);
      if (special !== undefined) return special;
      const members = json.members.map(([name, item]) => element(name, item));
      return { type: bsonType.document, value: rawDocument(members) };
    }
    default:
      return json satisfies never;
  }
}

function element(name: string, json: OrderedJson): Buffer {
  const { type, value } = typed(json);
  return rawElement(type, name, value);
}

/**
 * Turns one document of Extended JSON v2 into raw BSON: canonical values keep their types, keys
 * their order, integer-like and repeated ones included. Plain numbers become int32, int64 or double.
 * (Format: MongoDB Extended JSON v2 specification.)
 *
 * @throws SyntaxError when it is none
 */
export function extendedJsonToBson(text: string): Buffer {
  const { type, value } = typed(parseOrderedJson(text));
  if (type !== bsonType.document) throw bad('no document');
  return value;
}
