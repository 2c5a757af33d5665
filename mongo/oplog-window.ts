import { Timestamp, type MongoClient } from 'mongodb';
import { HoldfastError } from '../core/errors';
import { bsonType, findElement, rawElements, type RawElement } from './bson-frames';
import { explained, unreadableReply } from './errors';
import { RawCursor } from './raw-cursor';

/** Place in an oplog: seconds `t` and ordinal `i` of the timestamp, and the term it was written in. */
export interface OpTime {
  readonly ts: { readonly t: number; readonly i: number };
  readonly t: number;
}

/** Order of two optimes by their timestamps: negative, zero or positive. */
export function compareOpTimes(a: Pick<OpTime, 'ts'>, b: Pick<OpTime, 'ts'>): number {
  return a.ts.t - b.ts.t || a.ts.i - b.ts.i;
}

/** The timestamp of an optime as the driver sends it. */
export function timestampOf({ ts }: Pick<OpTime, 'ts'>): Timestamp {
  return new Timestamp({ t: ts.t, i: ts.i });
}

/** An optime as text, `1700000000.3`, for messages. */
export function opTimeText({ ts }: Pick<OpTime, 'ts'>): string {
  return `${ts.t}.${ts.i}`;
}

function timestampElement(
  buffer: Buffer,
  element: RawElement | undefined,
): OpTime['ts'] | undefined {
  if (element?.type !== bsonType.timestamp) return undefined;
  return {
    t: buffer.readUInt32LE(element.valueStart + 4),
    i: buffer.readUInt32LE(element.valueStart),
  };
}

function integer(buffer: Buffer, element: RawElement | undefined): number | undefined {
  if (element?.type === bsonType.int64) return Number(buffer.readBigInt64LE(element.valueStart));
  if (element?.type === bsonType.int32) return buffer.readInt32LE(element.valueStart);
  return undefined;
}

/** What the dump needs of an oplog entry, read without decoding the rest. */
export interface EntryHead {
  readonly opTime: OpTime;
  /** `i`, `u`, `d`, `c` or `n`. */
  readonly op: string;
  readonly namespace: string;
  /** Where the operation's document begins, when it has one. */
  readonly operation: number | undefined;
  /** Entry of the same transaction before this one; undefined for the first and for no transaction. */
  readonly previous: OpTime['ts'] | undefined;
  /** Whether more entries of the same transaction follow. */
  readonly partial: boolean;
}

/** Commands whose entries belong to a chain of entries of one transaction. */
const transactionCommands = new Set(['applyOps', 'commitTransaction', 'abortTransaction']);

/** First field of a command entry's document: the command's name. */
export function commandName(entry: Buffer, operation: number): string | undefined {
  for (const { name } of rawElements(entry, operation)) return name;
  return undefined;
}

/** Reads the head of an entry. @throws BsonFrameError when it isn't one */
export function readEntryHead(entry: Buffer): EntryHead {
  let ts: OpTime['ts'] | undefined;
  let term = 0;
  let op = '';
  let namespace = '';
  let operation: number | undefined;
  let previous: OpTime['ts'] | undefined;
  let vectored = false;
  for (const element of rawElements(entry)) {
    const { name, type, valueStart, end } = element;
    if (name === 'ts') ts = timestampElement(entry, element);
    else if (name === 't') term = integer(entry, element) ?? 0;
    else if (name === 'op') op = entry.toString('utf8', valueStart + 4, end - 1);
    else if (name === 'ns') namespace = entry.toString('utf8', valueStart + 4, end - 1);
    else if (name === 'o' && type === bsonType.document) operation = valueStart;
    else if (name === 'multiOpType') vectored = integer(entry, element) === 1;
    else if (name === 'prevOpTime' && type === bsonType.document) {
      previous = timestampElement(entry, findElement(entry, 'ts', valueStart));
    }
  }
  const command = op === 'c' && operation !== undefined ? commandName(entry, operation) : undefined;
  // Retryable writes carry prevOpTime too, but each of their entries stands for itself.
  const chained = command !== undefined && transactionCommands.has(command) && !vectored;
  const isFirst = previous === undefined || (previous.t === 0 && previous.i === 0);
  return {
    opTime: { ts: ts ?? { t: 0, i: 0 }, t: term },
    op,
    namespace,
    operation,
    previous: chained && !isFirst ? previous : undefined,
    partial: chained && operation !== undefined && hasPartial(entry, operation),
  };
}

function hasPartial(entry: Buffer, operation: number): boolean {
  return findElement(entry, 'partialTxn', operation) !== undefined;
}

function opTimeField(client: MongoClient, value: unknown, what: string): OpTime {
  if (typeof value === 'object' && value !== null && 'ts' in value && 't' in value) {
    const { ts, t } = value;
    if (ts instanceof Timestamp) return { ts: { t: ts.t, i: ts.i }, t: Number(t) };
  }
  throw unreadableReply(client, `no ${what} in hello`);
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

/** Optimes of the node's last write and of the last one a majority has. */
export async function readLastWrite(
  client: MongoClient,
): Promise<{ last: OpTime; majority: OpTime }> {
  const hello = await explained(client, 'hello', 'admin', () =>
    client.db('admin').command({ hello: 1 }),
  );
  const { opTime, majorityOpTime } = record(hello['lastWrite']);
  return {
    last: opTimeField(client, opTime, 'lastWrite.opTime'),
    majority: opTimeField(client, majorityOpTime, 'lastWrite.majorityOpTime'),
  };
}

async function oldestTransaction(client: MongoClient): Promise<OpTime | undefined> {
  const [oldest] = await explained(client, 'find', 'config.transactions', () =>
    client
      .db('config')
      .collection('transactions', { readConcern: { level: 'majority' } })
      .find({ state: { $in: ['prepared', 'inProgress'] }, startOpTime: { $exists: true } })
      .sort({ 'startOpTime.ts': 1 })
      .limit(1)
      .toArray(),
  );
  return oldest === undefined
    ? undefined
    : opTimeField(client, oldest['startOpTime'], 'startOpTime');
}

/** The entry with exactly that timestamp, undefined when the oplog has none. */
async function entryAt(client: MongoClient, at: Pick<OpTime, 'ts'>): Promise<Buffer | undefined> {
  const cursor = new RawCursor(client, {
    database: 'local',
    collection: 'oplog.rs',
    command: {
      find: 'oplog.rs',
      filter: { ts: timestampOf(at) },
      limit: 1,
      readConcern: { level: 'majority' },
    },
    batchBytes: 1024,
    documentBytes: 1024,
  });
  try {
    const batch = await explained(client, 'find', 'local.oplog.rs', () => cursor.next());
    return batch === undefined || batch.documents === 0 ? undefined : batch.bytes;
  } finally {
    await cursor.close();
  }
}

/**
 * Where a dump's oplog window must begin, read before the first listing: the smallest of the
 * majority commit point, the start of the oldest open transaction, and the first entry of a
 * transaction that the window would otherwise cut. (The newest entry is too late: under majority
 * reads the scan does not see everything before it.)
 *
 * @throws HoldfastError HF-DUMP-002 when the oplog no longer holds that entry; HF-MONGO-001, -004,
 * -005, -006
 */
export async function findWindowStart(client: MongoClient, node: string): Promise<OpTime> {
  const { majority } = await readLastWrite(client);
  const transaction = await oldestTransaction(client);
  let start =
    transaction !== undefined && compareOpTimes(transaction, majority) < 0 ? transaction : majority;
  for (;;) {
    const entry = await entryAt(client, start);
    if (entry === undefined) {
      throw new HoldfastError('HF-DUMP-002', {
        node,
        reason: `it has no entry at ${opTimeText(start)} any more`,
      });
    }
    const { opTime, previous } = readEntryHead(entry);
    if (previous === undefined) return opTime;
    start = { ts: previous, t: opTime.t };
  }
}
