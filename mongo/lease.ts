import type { MongoClient } from 'mongodb';
import { HoldfastError } from '../core/errors';
import { explained, serverCode } from './errors';

/** Who holds a replica set for a restore. */
export interface Lease {
  readonly runId: string;
  /** Address of the Temporal server that runs it. */
  readonly temporal: string;
  readonly since: Date;
}

interface LeaseDocument {
  _id: 'lease';
  run: string;
  temporal: string;
  since: Date;
}

const duplicateKey = 11000;
const majority = { w: 'majority', wtimeoutMS: 30_000 } as const;

function leases(client: MongoClient): ReturnType<typeof collection> {
  return collection(client);
}

function collection(client: MongoClient) {
  return client.db('holdfast').collection<LeaseDocument>('operations');
}

/**
 * Takes the lease of this replica set: one document in `holdfast.operations`, majority committed.
 * Held by the same run already is success, so it also renews.
 *
 * @throws HoldfastError HF-LOCK-003 with the holder when another run has it, HF-MONGO-001, -004
 */
export async function acquireLease(client: MongoClient, lease: Lease): Promise<void> {
  await explained(client, 'insert', 'holdfast.operations', async () => {
    const document: LeaseDocument = {
      _id: 'lease',
      run: lease.runId,
      temporal: lease.temporal,
      since: lease.since,
    };
    for (;;) {
      try {
        await leases(client).insertOne(document, { writeConcern: majority });
        return;
      } catch (error) {
        if (serverCode(error) !== duplicateKey) throw error;
      }
      const held = await leases(client).findOne({ _id: 'lease' }, { readConcern: 'majority' });
      if (held === null) continue;
      if (held.run === lease.runId) return;
      throw new HoldfastError('HF-LOCK-003', {
        runId: held.run,
        server: held.temporal,
        since: held.since.toISOString(),
      });
    }
  });
}

/**
 * Makes sure that this run still has the lease; takes it again when nobody has.
 *
 * @throws HoldfastError HF-LOCK-003 when another run has it
 */
export async function renewLease(client: MongoClient, lease: Lease): Promise<void> {
  await acquireLease(client, lease);
}

/** Who has the lease, if anybody. */
export async function leaseHolder(client: MongoClient): Promise<Lease | undefined> {
  const held = await explained(client, 'find', 'holdfast.operations', () =>
    leases(client).findOne({ _id: 'lease' }, { readConcern: 'majority' }),
  );
  return held === null
    ? undefined
    : { runId: held.run, temporal: held.temporal, since: held.since };
}

/** Gives the lease back if this run has it; the collection goes with it, so nothing stays. */
export async function releaseLease(client: MongoClient, runId: string): Promise<void> {
  await explained(client, 'delete', 'holdfast.operations', async () => {
    await leases(client).deleteOne({ _id: 'lease', run: runId }, { writeConcern: majority });
    const left = await leases(client).countDocuments({}, { limit: 1 });
    if (left === 0) await leases(client).drop({ writeConcern: majority });
  });
}
