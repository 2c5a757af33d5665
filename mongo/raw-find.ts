import type { MongoClient } from 'mongodb';
import { BsonFrameError, bsonType, frames } from './bson-frames';
import { rawField } from './raw-command';
import { compactBatch, readCursorReply } from './raw-reply';

async function first(
  client: MongoClient,
  database: string,
  command: Record<string, unknown>,
): Promise<Buffer | undefined> {
  const reply = await client
    .db(database)
    .command({ ...command, limit: 1, singleBatch: true }, { raw: true });
  const cursor: unknown = reply['cursor'];
  if (!Buffer.isBuffer(cursor)) throw new BsonFrameError('a reply without a cursor', 0);
  for (const document of frames(compactBatch(cursor, readCursorReply(cursor)).bytes)) {
    return Buffer.from(document);
  }
  return undefined;
}

/**
 * The document of that `_id` (as bson-frames.ts' rawId gives it), byte for byte; undefined when there
 * is none.
 *
 * @throws the driver's errors
 */
export async function findRawById(
  client: MongoClient,
  database: string,
  collection: string,
  id: Buffer,
): Promise<Buffer | undefined> {
  const filter = { _id: rawField('$eq', id[0] ?? bsonType.null, id.subarray(1)) };
  return first(client, database, { find: collection, filter });
}

/** The first document in natural order, byte for byte; undefined when there is none. */
export async function firstRaw(
  client: MongoClient,
  database: string,
  collection: string,
): Promise<Buffer | undefined> {
  return first(client, database, { find: collection, filter: {}, hint: { $natural: 1 } });
}
