import { createHash } from 'node:crypto';
import { BSON, Timestamp, type MongoClient } from 'mongodb';
import { HoldfastError } from '../core/errors';
import { DumpVoidError } from './dump-contract';
import { commandError, serverCode } from './errors';
import { entriesOf, judgeEntry, judgeFirstEntry, type WindowChanges } from './window-entries';
import { compareOpTimes, opTimeText, timestampOf, type OpTime } from './oplog-window';
import { RawCursor } from './raw-cursor';

/** Entries of the window, one behind the other as in oplog.bson, and the place after them. */
export interface TailBatch {
  readonly bytes: Buffer;
  readonly entries: number;
  /** BSON document to go on from. */
  readonly token: Buffer;
}

export interface TailOptions {
  /** First entry of the window. */
  readonly start: OpTime;
  /** Token of the newest batch an earlier attempt holds. */
  readonly after?: Buffer;
  /** Settles when it is known up to where the window must reach. */
  readonly end: Promise<OpTime>;
  /** Name of the node, for messages. */
  readonly node: string;
  readonly batchBytes: number;
  readonly signal?: AbortSignal;
}

/** A window that was read to its end. */
export interface TailResult {
  /** The last entry read: at or after what was asked for. */
  readonly end: OpTime;
  readonly firstEntrySha256: string;
  readonly changes: WindowChanges;
}

/**
 * How long mongod holds a getMore when nothing is new, milliseconds. A killed one is answered only
 * when that time is over, so it is also what the end of a tail costs.
 */
const awaitMs = 250;
/** CursorNotFound, CappedPositionLost, QueryPlanKilled: the entry last held is looked for again. */
const reopened = new Set([43, 136, 175]);

interface TailState {
  last: OpTime;
  lastSha256: string;
  firstSha256: string;
  lastPartial: boolean;
  readonly changes: WindowChanges;
}

function writeToken(state: TailState): Buffer {
  return Buffer.from(
    BSON.serialize({
      ts: timestampOf(state.last),
      t: state.last.t,
      sha256: state.lastSha256,
      firstSha256: state.firstSha256,
      partial: state.lastPartial,
      created: [...state.changes.created],
      dropped: [...state.changes.dropped],
      droppedDatabases: [...state.changes.droppedDatabases],
    }),
  );
}

function stringSet(value: unknown): Set<string> {
  return new Set(Array.isArray(value) ? value.map(String) : []);
}

function readToken(token: Buffer): TailState {
  const document = BSON.deserialize(token);
  const ts: unknown = document['ts'];
  if (!(ts instanceof Timestamp)) throw new DumpVoidError('an unreadable place in the oplog');
  return {
    last: { ts: { t: ts.t, i: ts.i }, t: Number(document['t']) },
    lastSha256: String(document['sha256']),
    firstSha256: String(document['firstSha256']),
    lastPartial: document['partial'] === true,
    changes: {
      created: stringSet(document['created']),
      dropped: stringSet(document['dropped']),
      droppedDatabases: stringSet(document['droppedDatabases']),
    },
  };
}

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** What a finished window's last token says: the result its tail gave. @throws DumpVoidError */
export function tailResult(token: Buffer): TailResult {
  const { last, firstSha256, changes } = readToken(token);
  return { end: last, firstEntrySha256: firstSha256, changes };
}

/** Reads one node's oplog from the window's start until its end is known and reached. */
class OplogTail {
  readonly #client: MongoClient;
  readonly #options: TailOptions;
  readonly #onBatch: (batch: TailBatch) => Promise<void>;
  #state: TailState | undefined;
  #end: OpTime | undefined;

  constructor(
    client: MongoClient,
    options: TailOptions,
    onBatch: (batch: TailBatch) => Promise<void>,
  ) {
    this.#client = client;
    this.#options = options;
    this.#onBatch = onBatch;
    this.#state = options.after === undefined ? undefined : readToken(options.after);
  }

  async run(): Promise<TailResult> {
    const { end } = this.#options;
    const endKnown = end.then((opTime) => void (this.#end = opTime));
    // Whoever fails the end fails the tail too; here it only must not count as unhandled.
    endKnown.catch(() => undefined);
    for (let resuming = this.#options.after !== undefined; ; resuming = false) {
      const result = await this.#readOnce(endKnown, resuming);
      if (result !== undefined) return result;
    }
  }

  /** One cursor's life; undefined when another one has to go on. */
  async #readOnce(endKnown: Promise<void>, resuming: boolean): Promise<TailResult | undefined> {
    const { signal, batchBytes } = this.#options;
    const from = this.#state?.last ?? this.#options.start;
    const cursor = new RawCursor(this.#client, {
      database: 'local',
      collection: 'oplog.rs',
      command: {
        find: 'oplog.rs',
        filter: { ts: { $gte: timestampOf(from) } },
        tailable: true,
        awaitData: true,
        readConcern: { level: 'majority' },
      },
      batchBytes,
      documentBytes: 512,
      awaitMs,
      ...(signal === undefined ? {} : { signal }),
    });
    let meet = true;
    let endPassed: Promise<void> | undefined = endKnown;
    try {
      for (let next = cursor.next(); ;) {
        const done = this.#result();
        if (done !== undefined) return done;
        if (endPassed !== undefined && this.#end !== undefined) endPassed = undefined;
        const batch = await (endPassed === undefined ? next : Promise.race([next, endPassed]));
        if (batch === undefined && this.#end !== undefined && endPassed !== undefined) continue;
        if (batch === undefined && meet) throw this.#gone(from, resuming);
        if (batch === undefined) return undefined;
        const isFirst = meet && batch.documents > 0;
        await this.#take(isFirst ? this.#meet(batch.bytes, from, resuming) : batch.bytes);
        if (isFirst) meet = false;
        if (this.#result() === undefined) next = cursor.next();
      }
    } catch (error) {
      if (reopened.has(serverCode(error) ?? -1)) return undefined;
      throw commandError(this.#client, 'find', 'local.oplog.rs', error);
    } finally {
      await cursor.close();
    }
  }

  #result(): TailResult | undefined {
    const state = this.#state;
    if (state === undefined || this.#end === undefined || state.lastPartial) return undefined;
    if (compareOpTimes(state.last, this.#end) < 0) return undefined;
    return { end: state.last, firstEntrySha256: state.firstSha256, changes: state.changes };
  }

  /** The first entry must be the one asked for: what follows it follows without a gap. */
  #meet(bytes: Buffer, from: OpTime, resuming: boolean): Buffer {
    for (const { entry, head } of entriesOf(bytes)) {
      const held = this.#state;
      const met =
        compareOpTimes(head.opTime, from) === 0 &&
        (held === undefined || sha256(entry) === held.lastSha256);
      if (met) return held === undefined ? bytes : bytes.subarray(entry.length);
      throw this.#gone(from, resuming);
    }
    return bytes;
  }

  #gone(from: OpTime, resuming: boolean): Error {
    const reason = `it has no entry at ${opTimeText(from)} any more`;
    const { node } = this.#options;
    if (resuming) return new DumpVoidError(`the oplog of ${node}: ${reason}`);
    return new HoldfastError('HF-DUMP-002', { node, reason });
  }

  async #take(batch: Buffer): Promise<void> {
    let entries = 0;
    let target = 0;
    let offset = 0;
    let lastEntry: Buffer | undefined;
    let lastHash = '';
    for (const { entry, head } of entriesOf(batch)) {
      const length = entry.length;
      const isFirst = this.#state === undefined;
      this.#state ??= {
        last: head.opTime,
        lastSha256: '',
        firstSha256: sha256(entry),
        lastPartial: false,
        changes: { created: new Set(), dropped: new Set(), droppedDatabases: new Set() },
      };
      const { changes } = this.#state;
      this.#state.last = head.opTime;
      this.#state.lastPartial = head.partial;
      const isLast = this.#isEnd(head.opTime, head.partial) || offset + length === batch.length;
      if (isLast) lastHash = sha256(entry);
      lastEntry = entry;
      const included = isFirst
        ? judgeFirstEntry(entry, head, changes)
        : judgeEntry(entry, head, this.#options.start, changes);
      if (included) {
        if (target !== offset) batch.copyWithin(target, offset, offset + length);
        target += length;
        entries++;
      }
      offset += length;
      if (isLast) break;
    }
    if (lastEntry === undefined || this.#state === undefined) return;
    this.#state.lastSha256 = lastHash;
    const bytes = batch.subarray(0, target);
    await this.#onBatch({ bytes, entries, token: writeToken(this.#state) });
  }

  #isEnd(opTime: OpTime, partial: boolean): boolean {
    return this.#end !== undefined && !partial && compareOpTimes(opTime, this.#end) >= 0;
  }
}

/**
 * Reads the oplog window of the pinned node under majority, from `start` inclusive until an entry
 * at or after `end` that completes its transaction, and hands it out in batches; a batch may be
 * empty of kept entries and still moves the place. After a lost cursor, and when resuming, the
 * entry last held must be met again.
 *
 * @throws DumpVoidError when the dump has to start again
 * @throws HoldfastError HF-DUMP-002 when the oplog rolled over; HF-MONGO-001, -004, -005, -006
 */
export async function tailOplog(
  client: MongoClient,
  options: TailOptions,
  onBatch: (batch: TailBatch) => Promise<void>,
): Promise<TailResult> {
  return new OplogTail(client, options, onBatch).run();
}
