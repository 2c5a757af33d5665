import type { Document } from 'mongodb';
import {
  Binary,
  BSONRegExp,
  BSONSymbol,
  Code,
  Decimal128,
  Double,
  Int32,
  Long,
  MaxKey,
  MinKey,
  ObjectId,
  Timestamp,
  UUID,
} from 'mongodb';
import type { SeededRandom } from './seeded-random';

/** A collection whose name needs escapes in a file name and a pax header in a tar archive. */
export const oddCollection = `payloads/of a model, 100 % ünïcode, ${'long-'.repeat(14)}name`;

/** Values a copy that decodes and encodes BSON would change. */
export function everyType(random: SeededRandom, now: Date): Document {
  return {
    _id: new ObjectId(random.hex(24)),
    double: new Double(1),
    negativeZero: new Double(-0),
    notANumber: new Double(Number.NaN),
    infinite: new Double(Number.NEGATIVE_INFINITY),
    int32: new Int32(1),
    int64: Long.fromNumber(1),
    decimal: Decimal128.fromString('1.000'),
    binary: new Binary(random.bytes(16), 0x80),
    oldBinary: new Binary(random.bytes(8), 2),
    uuid: new UUID(random.uuid()),
    date: now,
    regex: new BSONRegExp('^a.*', 'im'),
    code: new Code('function () { return 1; }'),
    scoped: new Code('x', { x: new Int32(1) }),
    symbol: new BSONSymbol('old'),
    timestamp: new Timestamp({ t: 1, i: 2 }),
    min: new MinKey(),
    max: new MaxKey(),
    nothing: null,
    '': 'empty key',
    'dotted.key': true,
    order: { z: new Int32(1), a: new Int32(2), 10: new Int32(3) },
  };
}
