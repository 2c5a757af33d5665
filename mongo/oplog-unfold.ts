import { HoldfastError } from '../core/errors';
import {
  bsonType,
  elementValue,
  findElement,
  rawElements,
  stringValue,
  type RawElement,
} from './bson-frames';
import { isTrue, numberValue, rawDocument, rawElement, stringElement } from './raw-document';

/** One operation of an oplog, out of its transaction or array; nothing in it was decoded. */
export interface OplogOperation {
  /** `i`, `u`, `d` or `c`. */
  readonly op: string;
  /** `db.collection`, for commands `db.$cmd`. */
  readonly namespace: string;
  readonly o: Buffer;
  /** What an update looks for: its `_id`. */
  readonly o2: Buffer | undefined;
  /** Timestamp of the entry it came with, for messages. */
  readonly position: string;
}

interface Entry extends Omit<OplogOperation, 'o'> {
  readonly o: Buffer | undefined;
  /** Session and number of its transaction, as bytes; empty for none. */
  readonly transaction: string;
  /** An entry of the same transaction, or of the same statement, stands before it. */
  readonly hasPrevious: boolean;
}

const empty = rawDocument([]);

/** What an entry can't be replayed for: HF-REPLAY-001. */
export function notReplayable(position: string, kind: string, reason: string): HoldfastError {
  return new HoldfastError('HF-REPLAY-001', { position, kind, reason });
}

function previousExists(entry: Buffer, element: RawElement | undefined): boolean {
  if (element?.type !== bsonType.document) return false;
  const ts = findElement(entry, 'ts', element.valueStart);
  return ts !== undefined && entry.readBigInt64LE(ts.valueStart) !== 0n;
}

function readEntry(entry: Buffer, outer: string): Entry {
  const fields = new Map<string, RawElement>();
  for (const element of rawElements(entry)) {
    if (!fields.has(element.name)) fields.set(element.name, element);
  }
  const document = (name: string): Buffer | undefined => {
    const element = fields.get(name);
    return element?.type === bsonType.document ? elementValue(entry, element) : undefined;
  };
  const ts = fields.get('ts');
  const lsid = document('lsid');
  const number = fields.get('txnNumber');
  const vectored = fields.get('multiOpType');
  const isTransaction =
    lsid !== undefined &&
    number !== undefined &&
    (vectored === undefined || numberValue(entry, vectored) !== 1);
  return {
    op: stringValue(entry, fields.get('op')) ?? '',
    namespace: stringValue(entry, fields.get('ns')) ?? '',
    o: document('o'),
    o2: document('o2'),
    position:
      ts?.type === bsonType.timestamp
        ? `${entry.readUInt32LE(ts.valueStart + 4)}.${entry.readUInt32LE(ts.valueStart)}`
        : outer,
    transaction: isTransaction
      ? `${lsid.toString('latin1')}${elementValue(entry, number).toString('latin1')}`
      : '',
    hasPrevious: previousExists(entry, fields.get('prevOpTime')),
  };
}

/** Name and value of a command entry's first field: the command itself. */
export function commandOf(o: Buffer): { command: string; target: string } {
  for (const element of rawElements(o)) {
    return { command: element.name, target: stringValue(o, element) ?? '' };
  }
  return { command: '', target: '' };
}

/**
 * Takes oplog entries in their order and gives the operations in the order in which they took effect:
 * transactions are held back until they commit and dropped when they abort, arrays are flattened,
 * noops left out. Holds the operations of open transactions.
 */
export class OplogUnfolder {
  readonly #open = new Map<string, OplogOperation[]>();

  /** @throws HoldfastError HF-REPLAY-001 for a kind it doesn't know, or a transaction without its beginning */
  unfold(raw: Buffer): OplogOperation[] {
    return this.#unfold(readEntry(raw, ''));
  }

  #unfold(entry: Entry): OplogOperation[] {
    const { op, o, position } = entry;
    switch (op) {
      case 'n':
        return [];
      case 'i':
      case 'u':
      case 'd':
        return [{ ...entry, o: o ?? empty }];
      case 'c':
        return this.#command(entry, o ?? empty);
      default:
        throw notReplayable(position, op, 'this kind of entry is not known');
    }
  }

  #command(entry: Entry, o: Buffer): OplogOperation[] {
    const { command } = commandOf(o);
    const { transaction, position, hasPrevious } = entry;
    if (command === 'abortTransaction') {
      this.#open.delete(transaction);
      return [];
    }
    if (command === 'commitTransaction') {
      const held = this.#open.get(transaction);
      if (held === undefined) throw notReplayable(position, command, 'its beginning is missing');
      this.#open.delete(transaction);
      return held;
    }
    if (command !== 'applyOps') return [{ ...entry, o }];
    const operations = this.#array(o, position);
    if (transaction === '') return operations;
    const held = this.#open.get(transaction) ?? [];
    if (held.length === 0 && hasPrevious && !this.#open.has(transaction)) {
      throw notReplayable(position, command, 'the beginning of its transaction is missing');
    }
    const all = [...held, ...operations];
    if (isTrue(o, findElement(o, 'partialTxn')) || isTrue(o, findElement(o, 'prepare'))) {
      this.#open.set(transaction, all);
      return [];
    }
    this.#open.delete(transaction);
    return all;
  }

  #array(o: Buffer, position: string): OplogOperation[] {
    const list = findElement(o, 'applyOps');
    if (list?.type !== bsonType.array) return [];
    const operations: OplogOperation[] = [];
    for (const inner of rawElements(o, list.valueStart)) {
      const copy = Buffer.from(elementValue(o, inner));
      operations.push(...this.#unfold({ ...readEntry(copy, position), transaction: '' }));
    }
    return operations;
  }
}

/**
 * A CRUD operation as applyOps takes it, on another namespace: `op`, `ns`, `o` and for updates `o2`,
 * the documents byte for byte. `ui`, session and statement are left out: they belong to the source.
 */
export function rewritten({ op, o, o2 }: OplogOperation, namespace: string): Buffer {
  return rawDocument([
    stringElement('op', op),
    stringElement('ns', namespace),
    rawElement(bsonType.document, 'o', o),
    ...(op === 'u' && o2 !== undefined ? [rawElement(bsonType.document, 'o2', o2)] : []),
  ]);
}
