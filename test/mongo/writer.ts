import type { MongoClient } from 'mongodb';

interface Unit {
  _id: number;
  n: number;
  text: string;
}

/** Writes what a controller writes, round by round, until it is stopped. */
export class Writer {
  readonly #client: MongoClient;
  #stopped = false;
  #running: Promise<void> | undefined;
  rounds = 0;

  constructor(client: MongoClient) {
    this.#client = client;
  }

  start(): void {
    this.#running = this.#run();
    this.#running.catch(() => undefined);
  }

  /** Resolves when the last write has been acknowledged by a majority. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      await this.#round(this.rounds);
      this.rounds++;
    }
  }

  async #round(round: number): Promise<void> {
    const juju = this.#client.db('juju');
    const units = juju.collection<Unit>('units');
    const first = 1_000_000 + round * 20;
    const fresh = Array.from({ length: 20 }, (_, at) => ({
      _id: first + at,
      n: 0,
      text: 't'.repeat(at),
    }));
    await units.insertMany(fresh);
    await units.updateMany({ _id: { $lt: 40 } }, { $inc: { n: 1 } });
    await units.deleteMany({ _id: { $gte: first, $lt: first + 10 } });
    await units.deleteOne({ _id: 4_999 - (round % 4_000) });
    await this.#transaction(round);
    if (round === 3) await this.#definitions();
    if (round === 5) await juju.collection('short-lived').drop();
    await this.#client.db('holdfast').collection('operations').insertOne({ round });
  }

  async #transaction(round: number): Promise<void> {
    const juju = this.#client.db('juju');
    await this.#client.withSession((session) =>
      session.withTransaction(
        async () => {
          await juju
            .collection('txns')
            .insertMany([{ round }, { round, second: true }], { session });
          await juju
            .collection<Unit>('units')
            .updateOne(
              { _id: 50 + (round % 50) },
              { $set: { text: `round ${round}` } },
              { session },
            );
          await this.#client
            .db('models')
            .collection('settings')
            .updateOne({ key: 'a' }, { $inc: { revision: 1 } }, { session, upsert: true });
        },
        { writeConcern: { w: 'majority' } },
      ),
    );
  }

  async #definitions(): Promise<void> {
    const juju = this.#client.db('juju');
    await juju.collection('units').createIndex({ n: 1, text: -1 }, { name: 'made meanwhile' });
    await juju.createCollection('view-made-meanwhile', { viewOn: 'units', pipeline: [] });
    await juju.createCollection('made-meanwhile', { validator: { n: { $gte: 0 } } });
    await juju.collection('made-meanwhile').insertMany([{ n: 1 }, { n: 2 }]);
    await this.#client.db('fresh').collection('made').insertOne({ x: 1 });
  }
}
