import {
  type Timestamp,
  type ClientSession,
  type Collection,
  type Db,
  type MongoClient,
} from 'mongodb';

/** A document of the ledger; `n` says which write it comes from. */
interface Entry {
  _id: number;
  n: number;
}

/** What mongod acknowledged, and when it happened by mongod's own time. */
interface Acknowledged {
  /** The write's place in the oplog lies after `after` and not behind `at`. */
  readonly after: Timestamp;
  readonly at: Timestamp;
  readonly apply: (state: LedgerState) => void;
}

/** Documents by `_id`, by collection: what the ledger's collections hold. Indexes by name. */
export interface LedgerState {
  readonly collections: Map<string, Map<number, number>>;
  readonly indexes: Set<string>;
}

const database = 'ledger';
const accounts = 100;
const opening = 1_000;
const weak = { writeConcern: { w: 1, j: false } } as const;

/**
 * Writes what must never be torn: transfers between two collections, each in a transaction, single
 * writes with w:1 and j:false, collections and indexes that come and go. It keeps what was
 * acknowledged with the time of each write, so that the state at any moment of the oplog is known.
 */
export class LedgerWriter {
  readonly #client: MongoClient;
  readonly #db: Db;
  readonly #log: Acknowledged[] = [];
  #stopped = false;
  #running: Promise<unknown> = Promise.resolve();
  #straddling: { session: ClientSession; write: (state: LedgerState) => void } | undefined;
  rounds = 0;

  constructor(client: MongoClient) {
    this.#client = client;
    this.#db = client.db(database);
  }

  /** What is there before anything is backed up. */
  async prepare(): Promise<void> {
    for (const name of ['left', 'right']) {
      const entries = Array.from({ length: accounts }, (_, _id) => ({ _id, n: opening }));
      await this.#collection(name).insertMany(entries);
    }
    await this.#collection('plain').insertOne({ _id: 0, n: 0 });
    await this.#collection('doomed').insertMany([
      { _id: 1, n: 1 },
      { _id: 2, n: 2 },
    ]);
    await this.#db.createCollection('audit');
  }

  /** Begins a transaction that is open when the dump begins. */
  async open(): Promise<void> {
    const session = this.#client.startSession();
    session.startTransaction({ writeConcern: { w: 'majority' } });
    await this.#collection('audit').insertOne({ _id: -1, n: -1 }, { session });
    this.#straddling = { session, write: (state) => put(state, 'audit', -1, -1) };
  }

  start(): void {
    this.#running = Promise.all([this.#transfers(), this.#plainWrites(), this.#definitions()]);
    this.#running.catch(() => undefined);
  }

  /** Commits the transaction that `open` began. */
  async commitOpen(): Promise<void> {
    const straddling = this.#straddling;
    if (straddling === undefined) throw new Error('no transaction is open');
    const { session, write } = straddling;
    await this.#acknowledged(session, () => session.commitTransaction(), write);
    await session.endSession();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  /**
   * What the ledger held when the oplog stood at `end`. Where a collection or an index was just being
   * made or dropped there are two answers: mongod tells only that it happened by then.
   */
  at(end: Timestamp): { states: LedgerState[]; counted: number; later: number } {
    const inOrder = this.#log.toSorted((a, b) => a.at.compare(b.at));
    const counted = inOrder.filter(({ at }) => at.lessThanOrEqual(end));
    const during = inOrder.filter(({ after, at }) => after.lessThan(end) && at.greaterThan(end));
    const states = [counted, ...(during.length > 0 ? [[...counted, ...during]] : [])].map((all) => {
      const state = opened();
      for (const { apply } of all) apply(state);
      return state;
    });
    return { states, counted: counted.length, later: inOrder.length - counted.length };
  }

  /** What the ledger holds now. */
  async read(): Promise<LedgerState> {
    const state: LedgerState = { collections: new Map(), indexes: new Set() };
    for (const { name } of await this.#db.listCollections({}, { nameOnly: true }).toArray()) {
      const entries = await this.#collection(name).find().toArray();
      state.collections.set(name, new Map(entries.map(({ _id, n }) => [_id, n])));
      for (const index of await this.#collection(name).indexes()) {
        if (index.name !== undefined && index.name !== '_id_') state.indexes.add(index.name);
      }
    }
    return state;
  }

  #collection(name: string): Collection<Entry> {
    return this.#db.collection<Entry>(name);
  }

  async #transfers(): Promise<void> {
    const balances = new Map<string, number>();
    const balance = (key: string): number => balances.get(key) ?? opening;
    for (let round = 0; !this.#stopped; round += 1) {
      const from = (round * 7) % accounts;
      const to = (round * 11) % accounts;
      const sum = 1 + (round % 13);
      const left = balance(`left ${from}`) - sum;
      const right = balance(`right ${to}`) + sum;
      const session = this.#client.startSession();
      session.startTransaction({ writeConcern: { w: 'majority' } });
      const inc = (n: number) => ({ $inc: { n } });
      await this.#collection('left').updateOne({ _id: from }, inc(-sum), { session });
      await this.#collection('right').updateOne({ _id: to }, inc(sum), { session });
      await this.#collection('audit').insertOne({ _id: round, n: sum }, { session });
      await this.#acknowledged(
        session,
        () => session.commitTransaction(),
        (state) => {
          put(state, 'left', from, left);
          put(state, 'right', to, right);
          put(state, 'audit', round, sum);
        },
      );
      await session.endSession();
      balances.set(`left ${from}`, left);
      balances.set(`right ${to}`, right);
      this.rounds += 1;
    }
  }

  async #plainWrites(): Promise<void> {
    const plain = this.#collection('plain');
    const updated = new Map<number, number>();
    for (let id = 1; !this.#stopped; id += 1) {
      await this.#write(
        (session) => plain.insertOne({ _id: id, n: id }, { session, ...weak }),
        (state) => put(state, 'plain', id, id),
      );
      const other = Math.floor(id / 2);
      if (other % 3 !== 1) {
        const n = (updated.get(other) ?? other) + 1_000;
        updated.set(other, n);
        await this.#write(
          (session) => plain.updateOne({ _id: other }, { $set: { n } }, { session, ...weak }),
          (state) => put(state, 'plain', other, n),
        );
      } else {
        await this.#write(
          (session) => plain.deleteOne({ _id: other }, { session, ...weak }),
          (state) => state.collections.get('plain')?.delete(other),
        );
      }
    }
  }

  async #definitions(): Promise<void> {
    for (let round = 0; !this.#stopped; round += 1) {
      // Few are left over, so that a resumed dump meets one that was there and one that was not.
      const name = `made-${round}`;
      const index = `n-${round}`;
      await this.#define(
        (session) => this.#db.createCollection(name, { session }),
        (state) => state.collections.set(name, new Map()),
      );
      await this.#write(
        (session) => this.#collection(name).insertOne({ _id: round, n: round }, { session }),
        (state) => put(state, name, round, round),
      );
      await this.#define(
        (session) =>
          this.#collection('plain').createIndex(
            { n: 1, [`x${round}`]: 1 },
            { name: index, session },
          ),
        (state) => state.indexes.add(index),
      );
      if (round === 2) await this.#drop('doomed');
      if (round % 4 === 0) continue;
      await this.#define(
        (session) => this.#collection('plain').dropIndex(index, { session }),
        (state) => state.indexes.delete(index),
      );
      await this.#drop(name);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  #drop(name: string): Promise<void> {
    return this.#define(
      (session) => this.#db.dropCollection(name, { session }),
      (state) => state.collections.delete(name),
    );
  }

  /** A definition has its place somewhere between the time before it and that of its answer. */
  async #define(
    work: (session: ClientSession) => Promise<unknown>,
    apply: (state: LedgerState) => void,
  ): Promise<void> {
    const session = this.#client.startSession();
    await this.#db.command({ ping: 1 }, { session });
    const after = session.operationTime;
    await this.#acknowledged(session, () => work(session), apply, after);
    await session.endSession();
  }

  async #write(
    work: (session: ClientSession) => Promise<unknown>,
    apply: (state: LedgerState) => void,
  ): Promise<void> {
    const session = this.#client.startSession();
    await this.#acknowledged(session, () => work(session), apply);
    await session.endSession();
  }

  /** A write of one document has one place in the oplog, the operation time of its answer. */
  async #acknowledged(
    session: ClientSession,
    work: () => Promise<unknown>,
    apply: (state: LedgerState) => void,
    after?: Timestamp,
  ): Promise<void> {
    await work();
    const at = session.operationTime;
    if (at === undefined) throw new Error('mongod gave no operation time');
    this.#log.push({ after: after ?? at, at, apply });
  }
}

function opened(): LedgerState {
  const state: LedgerState = { collections: new Map(), indexes: new Set() };
  for (const name of ['left', 'right']) {
    for (let id = 0; id < accounts; id += 1) put(state, name, id, opening);
  }
  put(state, 'plain', 0, 0);
  put(state, 'doomed', 1, 1);
  put(state, 'doomed', 2, 2);
  state.collections.set('audit', new Map());
  return state;
}

function put(state: LedgerState, collection: string, id: number, n: number): void {
  const entries = state.collections.get(collection) ?? new Map<number, number>();
  state.collections.set(collection, entries.set(id, n));
}

/** The sum that no transfer changes, over both collections. */
export function balanceOf(state: LedgerState): number {
  let sum = 0;
  for (const name of ['left', 'right']) {
    for (const n of state.collections.get(name)?.values() ?? []) sum += n;
  }
  return sum;
}

export const constantBalance = 2 * accounts * opening;
