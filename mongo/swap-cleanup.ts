import type { MongoClient } from 'mongodb';
import { dropCollection } from './create-collection';
import { explained } from './errors';
import { listServer } from './server-listing';
import { stagePattern } from './stage-plan';
import { rollbackSwap, type SwapOptions } from './swap';
import { markJournal, readJournal, removeJournal } from './swap-journal';
import { dropHiddenSeries } from './time-series';

/**
 * Drops the collections that this run's swap put aside, found by UUID, and then its journal: from its
 * first moment on there is no rollback. Nothing to do is fine.
 *
 * @throws HoldfastError HF-MONGO-001, -004, -005; the signal's reason
 */
export async function dropOld({ client, runId, signal }: SwapOptions): Promise<void> {
  const journal = await readJournal(client, runId);
  if (journal === undefined) return;
  if (journal.state !== 'swapped' && journal.state !== 'dropping') return;
  await markJournal(client, runId, 'dropping', ['swapped', 'dropping']);
  const listing = await listServer(client);
  for (const { database, old, liveUuid } of journal.entries) {
    signal?.throwIfAborted();
    const there = listing.some(
      (one) => one.database === database && one.name === old && one.uuid === liveUuid,
    );
    if (there && liveUuid !== null) await dropCollection(client, database, old);
  }
  await removeJournal(client, runId);
}

async function removeDocuments(client: MongoClient, name: string, runId: string): Promise<void> {
  await explained(client, 'delete', `holdfast.${name}`, async () => {
    const collection = client.db('holdfast').collection(name);
    await collection.deleteMany({ run: runId }, { writeConcern: { w: 'majority' } });
    if ((await collection.countDocuments({}, { limit: 1 })) > 0) return;
    await dropCollection(client, 'holdfast', name);
  });
}

/**
 * Removes what a restore made and didn't swap in: every `hf-stage.<n>`, buckets without a series, the run's progress and swap
 * journal, and with the last of them the database `holdfast`. A swap that stands halfway is rolled back
 * first; one that is done stays, with its `hf-old.<n>` unless {@link dropOld} went before. Idempotent.
 *
 * @throws HoldfastError HF-SWAP-002, HF-MONGO-001, -004, -005; the signal's reason
 */
export async function dropStage(options: SwapOptions): Promise<void> {
  const { client, runId, signal } = options;
  const journal = await readJournal(client, runId);
  if (journal?.state === 'prepared' || journal?.state === 'rolling-back')
    await rollbackSwap(options);
  for (const { database, name, type } of await listServer(client)) {
    signal?.throwIfAborted();
    if (type !== 'view' && stagePattern.test(name)) {
      await dropCollection(client, database, name);
    }
  }
  await dropHiddenSeries(client, runId);
  await removeDocuments(client, 'progress', runId);
  await removeDocuments(client, 'swap', runId);
}
