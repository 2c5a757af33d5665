import { BSON, Long, Timestamp, type Document } from 'bson';
import { MissingUpdates } from '../../mongo/missing-updates';
import { OplogUnfolder, type OplogOperation } from '../../mongo/oplog-unfold';

const lsid = { id: 1 };

function raw(entry: Document): Buffer {
  return Buffer.from(BSON.serialize({ ts: new Timestamp({ t: 7, i: 1 }), ...entry }));
}

function insert(id: number): Document {
  return { op: 'i', ns: 'a.b', o: { _id: id } };
}

function transaction(txnNumber: number, o: Document, more: Document = {}): Buffer {
  return raw({
    op: 'c',
    ns: 'admin.$cmd',
    lsid,
    txnNumber: Long.fromNumber(txnNumber),
    o,
    ...more,
  });
}

function ids(operations: readonly OplogOperation[]): unknown[] {
  return operations.map(({ o }) => BSON.deserialize(o)['_id'] as unknown);
}

test('a transaction takes effect at its commit, all its entries in order', () => {
  const unfolder = new OplogUnfolder();
  const first = { applyOps: [insert(1)], partialTxn: true };
  expect(unfolder.unfold(transaction(1, first))).toEqual([]);
  expect(ids(unfolder.unfold(raw(insert(9))))).toEqual([9]);
  const last = transaction(
    1,
    { applyOps: [insert(2), insert(3)] },
    {
      prevOpTime: { ts: new Timestamp({ t: 7, i: 1 }), t: Long.ONE },
    },
  );
  expect(ids(unfolder.unfold(last))).toEqual([1, 2, 3]);
});

test('a prepared transaction takes effect when it commits, and never when it aborts', () => {
  const unfolder = new OplogUnfolder();
  expect(unfolder.unfold(transaction(1, { applyOps: [insert(1)], prepare: true }))).toEqual([]);
  expect(unfolder.unfold(transaction(2, { applyOps: [insert(2)], prepare: true }))).toEqual([]);
  expect(unfolder.unfold(transaction(2, { abortTransaction: 1 }))).toEqual([]);
  expect(ids(unfolder.unfold(transaction(1, { commitTransaction: 1 })))).toEqual([1]);
  expect(() => unfolder.unfold(transaction(2, { commitTransaction: 1 }))).toThrow(
    'its beginning is missing',
  );
});

test('a transaction whose beginning lies before the window is refused', () => {
  const late = transaction(
    3,
    { applyOps: [insert(1)] },
    {
      prevOpTime: { ts: new Timestamp({ t: 6, i: 1 }), t: Long.ONE },
    },
  );
  expect(() => new OplogUnfolder().unfold(late)).toThrow('the beginning of its transaction');
});

test('vectored inserts and nested arrays are flattened, noops left out', () => {
  const unfolder = new OplogUnfolder();
  const vectored = transaction(
    4,
    { applyOps: [insert(1), insert(2)] },
    {
      multiOpType: 1,
      prevOpTime: { ts: new Timestamp({ t: 6, i: 1 }), t: Long.ONE },
    },
  );
  expect(ids(unfolder.unfold(vectored))).toEqual([1, 2]);
  const nested = { op: 'c', ns: 'admin.$cmd', o: { applyOps: [insert(4)] } };
  const outer = raw({ op: 'c', ns: 'admin.$cmd', o: { applyOps: [insert(3), nested, insert(5)] } });
  expect(ids(unfolder.unfold(outer))).toEqual([3, 4, 5]);
  expect(unfolder.unfold(raw({ op: 'n', ns: '', o: { msg: 'x' } }))).toEqual([]);
});

test('an entry of an unknown kind is refused with its place', () => {
  expect(() => new OplogUnfolder().unfold(raw({ op: 'km', ns: 'a.b', o: {} }))).toThrow(
    'entry 7.1 (km)',
  );
});

test('an update that met nothing must be deleted, or its collection dropped, later', () => {
  const missing = new MissingUpdates();
  missing.missed('a.b', Buffer.from([16, 1]));
  missing.missed('a.c', Buffer.from([16, 1]));
  missing.deleted('a.b', Buffer.from([16, 1]));
  missing.unknown('a.d');
  expect(() => missing.finish()).toThrow('2 update(s) of the oplog met no document, first in a.c');
  missing.dropped('a.c');
  for (const namespace of missing.namespacesOf('a')) missing.dropped(namespace);
  expect(() => missing.finish()).not.toThrow();
});
