import { HoldfastError } from '../core/errors';
import { bsonType, findElement, rawElements } from './bson-frames';
import { explained } from './errors';
import { rawField } from './raw-command';
import { elementBytes, rawDocument, stringElement } from './raw-document';
import { listServer } from './server-listing';
import { fromPlan, type StagedCollection, type StagePlan } from './stage-plan';
import type { SwapOptions } from './swap';
import { readJournal } from './swap-journal';
import { bucketsOf } from './time-series';

/** The fields of one collMod: true seconds for one index, or for the collection itself. */
function changes(collection: StagedCollection): Record<string, unknown>[] {
  const indexes = collection.indexes
    .filter(({ ttl }) => ttl)
    .flatMap(({ name, spec }) => {
      const raw = fromPlan(spec);
      const seconds = findElement(raw, 'expireAfterSeconds');
      if (seconds === undefined) return [];
      const index = rawDocument([stringElement('name', name), elementBytes(raw, seconds)]);
      return [rawField('index', bsonType.document, index)];
    });
  if (collection.ttl === null) return indexes;
  const own = rawDocument([fromPlan(collection.ttl)]);
  const fields = [...rawElements(own)].map(({ name, type, valueStart, end }) =>
    rawField(name, type, own.subarray(valueStart, end)),
  );
  return [...indexes, ...fields];
}

/**
 * Gives TTL indexes, and clustered collections that expire, their true seconds: after the swap, when
 * nothing can go wrong any more. Only collections that this run's swap put in place are changed, by
 * UUID, so after a rollback it refuses. Idempotent.
 *
 * @param plan what the replay gave
 * @throws HoldfastError HF-SWAP-002 when the swap isn't done, HF-MONGO-001, -004, -005
 */
export async function applyTtl(options: SwapOptions, plan: StagePlan): Promise<void> {
  const { client, runId, signal } = options;
  const journal = await readJournal(client, runId);
  const listing = await listServer(client);
  for (const collection of plan.collections.filter(({ dropped }) => !dropped)) {
    const wanted = changes(collection);
    if (wanted.length === 0) continue;
    const { database, name } = collection;
    const shown = journal?.series.find((one) => one.database === database && one.name === name);
    const entry = journal?.entries.find((one) => one.database === database && one.name === name);
    const present = listing.find((one) => one.database === database && one.name === name);
    const swappedIn = entry?.stageUuid ?? shown?.uuid;
    const uuid = collection.series
      ? (await bucketsOf(client, database, name))?.uuid
      : present?.uuid;
    if (swappedIn === undefined || uuid !== swappedIn) {
      throw new HoldfastError('HF-SWAP-002', {
        namespace: `${database}.${name}`,
        found: uuid ?? 'none',
        known: swappedIn ?? 'none',
      });
    }
    for (const fields of wanted) {
      signal?.throwIfAborted();
      await explained(client, 'collMod', `${database}.${name}`, () =>
        client.db(database).command({
          collMod: name,
          ...fields,
          writeConcern: { w: 'majority', wtimeout: 60_000 },
        }),
      );
    }
  }
}
