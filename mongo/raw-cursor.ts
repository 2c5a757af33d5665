import { Long, type ClientSession, type Document, type MongoClient } from 'mongodb';
import { mergedSignal } from '../core/merged-signal';
import { batchSize } from './batch-size';
import { BsonFrameError } from './bson-frames';
import { commandError, unreadableReply } from './errors';
import { killCursor } from './kill-cursor';
import { compactBatch, readCursorReply, type RawCursorReply } from './raw-reply';

/** What a cursor reads and how. */
export interface RawCursorRequest {
  readonly database: string;
  readonly collection: string;
  /** The command that opens the cursor, without its batch size. */
  readonly command: Document;
  /** Bytes a batch should have; mongod caps it at 16 MiB whatever the documents' size. */
  readonly batchBytes: number;
  /** Expected size of a document, bytes: turns batchBytes into a number of documents. */
  readonly documentBytes: number;
  /** How long mongod waits for more at the end of a tailable cursor, milliseconds. */
  readonly awaitMs?: number;
  readonly signal?: AbortSignal;
}

/** A batch as it came, documents one behind the other, and where a scan resumes after it. */
export interface RawBatch {
  readonly bytes: Buffer;
  readonly documents: number;
  readonly resumeToken: Buffer | undefined;
}

/**
 * A cursor over raw documents through the driver, for the oplog and for listings (collections are
 * scanned with PipelinedCursor): one session for its life, and the next batch is asked for before the
 * one in hand is given out. Needs a client pinned to one node.
 */
export class RawCursor {
  readonly #client: MongoClient;
  readonly #request: RawCursorRequest;
  readonly #session: ClientSession;
  /** Gives up a reply that nobody waits for any more: at the end of a tail mongod may hold it back for long. */
  readonly #closed = new AbortController();
  readonly #signal: AbortSignal;
  #documentBytes: number;
  #pending: Promise<Buffer> | undefined;
  #id = 0n;

  /** Sends the command at once; its failure is thrown by the first `next`. */
  constructor(client: MongoClient, request: RawCursorRequest) {
    this.#client = client;
    this.#request = request;
    const { signal } = request;
    this.#signal =
      signal === undefined ? this.#closed.signal : mergedSignal(signal, this.#closed.signal);
    this.#documentBytes = Math.max(1, request.documentBytes);
    this.#session = client.startSession({ causalConsistency: false });
    const first = { batchSize: this.#batchSize() };
    const { command } = request;
    this.#ask('find' in command ? { ...command, ...first } : { ...command, cursor: first });
  }

  /** Whether the server still holds the cursor: a tailable one can die. */
  get alive(): boolean {
    return this.#pending !== undefined;
  }

  /**
   * The next batch, possibly empty; undefined at the end.
   *
   * @throws MongoServerError as it came, so that callers can tell codes apart
   * @throws HoldfastError HF-MONGO-006 for a reply that cannot be read
   */
  async next(): Promise<RawBatch | undefined> {
    if (this.#pending === undefined) return undefined;
    let reply: RawCursorReply;
    let cursor: Buffer;
    try {
      cursor = await this.#pending;
      this.#pending = undefined;
      reply = readCursorReply(cursor);
      this.#id = reply.id;
      if (reply.id !== 0n) {
        const { awaitMs } = this.#request;
        this.#ask({
          getMore: Long.fromBigInt(reply.id),
          collection: this.#request.collection,
          batchSize: this.#batchSize(),
          ...(awaitMs === undefined ? {} : { maxTimeMS: awaitMs }),
        });
      }
      const batch = compactBatch(cursor, reply);
      if (batch.documents > 0) this.#documentBytes = batch.bytes.length / batch.documents;
      return { ...batch, resumeToken: reply.resumeToken };
    } catch (error) {
      if (error instanceof BsonFrameError)
        throw unreadableReply(this.#client, error.message, error);
      throw error;
    }
  }

  /** Ends cursor and session on the server; safe at any moment and more than once. */
  async close(): Promise<void> {
    const pending = this.#pending;
    this.#pending = undefined;
    if (pending !== undefined) this.#closed.abort();
    if (this.#id !== 0n) {
      const { database, collection } = this.#request;
      const id = this.#id;
      this.#id = 0n;
      await killCursor(this.#client, database, collection, id);
    }
    await pending?.catch(() => undefined);
    await this.#session.endSession().catch(() => undefined);
  }

  #batchSize(): number {
    return batchSize(this.#request.batchBytes, this.#documentBytes);
  }

  #ask(command: Document): void {
    const pending = this.#client
      .db(this.#request.database)
      .command(command, {
        raw: true,
        session: this.#session,
        signal: this.#signal,
      })
      .then((reply) => {
        const cursor: unknown = reply['cursor'];
        if (!Buffer.isBuffer(cursor)) throw new BsonFrameError('a reply without cursor', 0);
        return cursor;
      });
    // The failure is thrown by next(); without this it would count as unhandled until then.
    pending.catch(() => undefined);
    this.#pending = pending;
  }
}

/**
 * All documents of a command's cursor, one by one: for listings, which are small.
 *
 * @throws HoldfastError HF-MONGO-001, -004, -005, -006
 */
export async function readAll(
  client: MongoClient,
  request: Omit<RawCursorRequest, 'batchBytes' | 'documentBytes'>,
): Promise<Buffer> {
  const cursor = new RawCursor(client, {
    ...request,
    batchBytes: 4 * 1024 * 1024,
    documentBytes: 1024,
  });
  const parts: Buffer[] = [];
  try {
    for (let batch = await cursor.next(); batch !== undefined; batch = await cursor.next()) {
      parts.push(batch.bytes);
    }
  } catch (error) {
    const [name = 'command'] = Object.keys(request.command);
    throw commandError(client, name, `${request.database}.${request.collection}`, error);
  } finally {
    await cursor.close();
  }
  return Buffer.concat(parts);
}
