import type { MongoClient } from 'mongodb';
import { rawFields } from './create-collection';
import { explained } from './errors';
import { fromPlan, type StagedView } from './stage-plan';

/**
 * Makes a view of its definition, majority committed. What it looks at need not exist.
 *
 * @throws HoldfastError HF-MONGO-004 when mongod refuses the definition, HF-MONGO-001, -005
 */
export async function createView(client: MongoClient, view: StagedView): Promise<void> {
  await explained(client, 'create', `${view.database}.${view.name}`, () =>
    client.db(view.database).command({
      create: view.name,
      ...rawFields(fromPlan(view.definition)),
      writeConcern: { w: 'majority', wtimeout: 60_000 },
    }),
  );
}
