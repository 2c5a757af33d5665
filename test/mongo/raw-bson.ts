import { bsonType } from '../../mongo/bson-frames';

/** One element as it stands in a document. */
export function element(type: number, name: string, value: Buffer = Buffer.alloc(0)): Buffer {
  return Buffer.concat([Buffer.from([type]), Buffer.from(`${name}\0`), value]);
}

/** A document of elements, in this order, whatever their names. */
export function document(...elements: readonly Buffer[]): Buffer {
  const body = Buffer.concat(elements);
  const length = Buffer.alloc(4);
  length.writeInt32LE(body.length + 5);
  return Buffer.concat([length, body, Buffer.from([0])]);
}

export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}

export function text(value: string): Buffer {
  return Buffer.concat([int32(Buffer.byteLength(value) + 1), Buffer.from(`${value}\0`)]);
}

const oid = Buffer.from('0123456789abcdef01234567', 'hex');

/** Documents with every BSON type, deprecated ones included, and values a decoder would lose. */
export function everyType(): Buffer[] {
  const values: [name: string, type: number, value: Buffer][] = [
    ['minusZero', bsonType.double, Buffer.from('0000000000000080', 'hex')],
    ['quietNan', bsonType.double, Buffer.from('000000000000f87f', 'hex')],
    ['nanWithPayload', bsonType.double, Buffer.from('efbeadde0000f8ff', 'hex')],
    ['signallingNan', bsonType.double, Buffer.from('010000000000f07f', 'hex')],
    ['denormal', bsonType.double, Buffer.from('0100000000000000', 'hex')],
    ['string', bsonType.string, text('grüße\u0000\u2028 "quoted"')],
    ['document', bsonType.document, document(element(bsonType.int32, '10', int32(1)))],
    ['array', bsonType.array, document(element(bsonType.int32, '7', int32(1)))],
    ['binary', bsonType.binary, Buffer.concat([int32(3), Buffer.from([0x80, 1, 2, 3])])],
    [
      'oldBinary',
      bsonType.binary,
      Buffer.concat([int32(6), Buffer.from([2]), int32(2), oid.subarray(0, 2)]),
    ],
    ['undefined', bsonType.undefined, Buffer.alloc(0)],
    ['objectId', bsonType.objectId, oid],
    ['boolean', bsonType.boolean, Buffer.from([1])],
    ['date', bsonType.date, Buffer.from('ffffffffffffff7f', 'hex')],
    ['null', bsonType.null, Buffer.alloc(0)],
    ['regex', bsonType.regex, Buffer.from('a/b\0im\0')],
    ['dbPointer', bsonType.dbPointer, Buffer.concat([text('juju.x'), oid])],
    ['code', bsonType.code, text('return 1')],
    ['symbol', bsonType.symbol, text('sym')],
    ['int32', bsonType.int32, int32(-1)],
    ['timestamp', bsonType.timestamp, Buffer.from('0200000001000000', 'hex')],
    ['int64', bsonType.int64, Buffer.from('0100000000000000', 'hex')],
    ['decimal', bsonType.decimal128, Buffer.from('0000000000000000000000000000007c', 'hex')],
    ['minKey', bsonType.minKey, Buffer.alloc(0)],
    ['maxKey', bsonType.maxKey, Buffer.alloc(0)],
  ];
  const scope = document(element(bsonType.int32, 'x', int32(1)));
  const source = text('x');
  values.push([
    'codeWithScope',
    bsonType.codeWithScope,
    Buffer.concat([int32(4 + source.length + scope.length), source, scope]),
  ]);
  const single = values.map(([name, type, value]) =>
    document(element(bsonType.string, '_id', text(name)), element(type, 'value', value)),
  );
  const twice = document(
    element(bsonType.string, '_id', text('twice')),
    element(bsonType.int32, 'a', int32(1)),
    element(bsonType.string, 'a', text('again')),
    element(bsonType.int32, '10', int32(1)),
    element(bsonType.int32, '2', int32(2)),
    element(bsonType.int32, '', int32(3)),
  );
  return [...single, twice];
}
