import { setTimeout as after } from 'node:timers/promises';
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
  const patience = new AbortController();
  const { signal } = patience;
  const killed = client
    .db(database)
    .command({ killCursors: collection, cursors: [Long.fromBigInt(id)] }, { signal })
    .catch(() => undefined);
  // The driver heeds neither a signal nor a time limit while it opens a connection.
  const waited = after(patienceMs, undefined, { signal }).catch(() => undefined);
  await Promise.race([killed, waited]);
  patience.abort();
}
