import { Long, type MongoClient } from 'mongodb';

/** How long a mongod that does not answer may hold up who closes a cursor, milliseconds. */
const patienceMs = 2_000;

/**
 * Ends a cursor on the server. A failure, or no answer for two seconds, is passed over: it leaves a
 * cursor that mongod itself ends after ten idle minutes.
 */
export async function killCursor(
  client: MongoClient,
  database: string,
  collection: string,
  id: bigint,
): Promise<void> {
  await client
    .db(database)
    .command({ killCursors: collection, cursors: [Long.fromBigInt(id)] }, { timeoutMS: patienceMs })
    .catch(() => undefined);
}
