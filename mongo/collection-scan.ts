import type { MongoClient } from 'mongodb';
import { currentUuid } from './collections';
import { commandError, serverCode, unreadableReply } from './errors';
import { PipelinedCursor, type PipelinedRequest } from './pipelined-cursor';
import { resumeTokenDocument } from './raw-reply';
import type { Reserve } from './wire-connection';
import type { WireConnections } from './wire-connections';

export interface ScanRequest {
  readonly database: string;
  /** The collection that holds the data: for a time series its buckets. */
  readonly collection: string;
  /** Its UUID when it was listed. */
  readonly uuid: string | undefined;
  /** Resume token of the batch after which to go on; from the start when undefined. */
  readonly after: Buffer | undefined;
  readonly batchBytes: number;
  /** Expected size of a document, bytes. */
  readonly documentBytes: number;
  /** Memory for the next batch. */
  readonly reserve: Reserve;
}

/** The member that is read. */
export interface ScannedMember {
  readonly client: MongoClient;
  /** More connections to it, for the scans themselves. */
  readonly connections: WireConnections;
}

/**
 * Documents as they lie in a .bson file, at least one, at the start of reserved memory, and the token
 * to go on after them.
 */
export interface ScanBatch {
  readonly bytes: Buffer;
  readonly documents: number;
  readonly token: Buffer;
}

/** The record a scan was to resume after is gone: an older place may still be there. */
export class ResumePlaceGoneError extends Error {
  override readonly name = 'ResumePlaceGoneError';
}

const codes = {
  namespaceNotFound: 26,
  cursorNotFound: 43,
  cappedPositionLost: 136,
  queryPlanKilled: 175,
  keyNotFound: 211,
};

/**
 * Reads a collection of the pinned node in natural order under majority, raw. A cursor that mongod
 * ended is opened again at its last token. A collection dropped meanwhile ends the scan: the
 * oplog window explains it.
 *
 * @throws ResumePlaceGoneError when the place to resume from was deleted, or overwritten in a
 * capped collection
 * @throws HoldfastError HF-MONGO-001, -004, -005, -006
 */
export async function* scanCollection(
  { client, connections }: ScannedMember,
  request: ScanRequest,
): AsyncGenerator<ScanBatch, void, void> {
  const { database, collection } = request;
  const namespace = `${database}.${collection}`;
  let after = request.after;
  if (after !== undefined && (await currentUuid(client, database, collection)) !== request.uuid) {
    // A place in another collection of the same name would be met there, too.
    return;
  }
  for (;;) {
    const cursor = new PipelinedCursor(client, connections, scanOf(request, after));
    try {
      for (let batch = await cursor.next(); batch !== undefined; batch = await cursor.next()) {
        after = batch.resumeToken ?? after;
        if (batch.documents === 0) continue;
        if (after === undefined) {
          throw unreadableReply(client, `documents of ${namespace} without a resume token`);
        }
        yield { bytes: batch.bytes, documents: batch.documents, token: after };
      }
      return;
    } catch (error) {
      const code = serverCode(error);
      if (code === codes.keyNotFound || code === codes.cappedPositionLost) {
        throw new ResumePlaceGoneError(namespace, { cause: error });
      }
      const ended = code === codes.queryPlanKilled || code === codes.namespaceNotFound;
      if (!ended && code !== codes.cursorNotFound) {
        throw commandError(client, 'find', namespace, error);
      }
      if ((await currentUuid(client, database, collection)) !== request.uuid) return;
    } finally {
      await cursor.close();
    }
  }
}

function scanOf(request: ScanRequest, after: Buffer | undefined): PipelinedRequest {
  const { database, collection, batchBytes, documentBytes, reserve } = request;
  return {
    database,
    collection,
    command: {
      find: collection,
      filter: {},
      hint: { $natural: 1 },
      readConcern: { level: 'majority' },
      $_requestResumeToken: true,
      ...(after === undefined ? {} : { $_resumeAfter: resumeTokenDocument(after) }),
    },
    batchBytes,
    documentBytes,
    reserve,
  };
}
