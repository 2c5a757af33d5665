import { BSON, Long, MongoServerError, type Document, type MongoClient } from 'mongodb';
import { batchSize } from './batch-size';
import { BsonFrameError, bsonType, rawElements } from './bson-frames';
import { unreadableReply } from './errors';
import { killCursor } from './kill-cursor';
import { isOk, replyBody } from './op-msg';
import { compactArray, readCursorReply } from './raw-reply';
import type { RawBatch } from './raw-cursor';
import type { Reserve, WireConnection } from './wire-connection';
import type { WireConnections } from './wire-connections';

/** What a cursor reads and into what. */
export interface PipelinedRequest {
  readonly database: string;
  readonly collection: string;
  /** The command that opens the cursor, without its batch size. */
  readonly command: Document;
  /** Bytes a batch should have; mongod caps it at 16 MiB whatever the documents' size. */
  readonly batchBytes: number;
  /** Expected size of a document, bytes: turns batchBytes into a number of documents. */
  readonly documentBytes: number;
  /** Memory for the next batch. */
  readonly reserve: Reserve;
}

/**
 * Requests under way: one that mongod works on while the reply before it is read. mongod takes the
 * requests of a connection one after the other, so the cursor is never used twice at a time.
 */
const underWay = 2;

/**
 * A cursor over raw documents on a connection of its own, which asks for batches before the ones
 * before them have come. It has no session: it belongs to the connection's user, and mongod ends it
 * with killCursors, or after ten idle minutes.
 */
export class PipelinedCursor {
  readonly #client: MongoClient;
  readonly #connections: WireConnections;
  readonly #request: PipelinedRequest;
  #connection: WireConnection | undefined;
  #documentBytes: number;
  #id = 0n;
  #ended = false;

  constructor(client: MongoClient, connections: WireConnections, request: PipelinedRequest) {
    this.#client = client;
    this.#connections = connections;
    this.#request = request;
    this.#documentBytes = Math.max(1, request.documentBytes);
  }

  /**
   * The next batch, possibly empty, at the start of reserved memory; undefined at the end.
   *
   * @throws MongoServerError as mongod says it, so that callers can tell codes apart
   * @throws MongoNetworkError when the connection is lost
   * @throws HoldfastError HF-MONGO-006 for a reply that cannot be read
   */
  async next(): Promise<RawBatch | undefined> {
    if (this.#ended) return undefined;
    this.#connection ??= await this.#open();
    const rest = await this.#connection.receive(this.#request.reserve);
    try {
      const body = replyBody(rest);
      if (!isOk(body)) {
        this.#ended = true;
        throw new MongoServerError(BSON.deserialize(body));
      }
      const cursor = cursorOf(body);
      const reply = readCursorReply(cursor);
      this.#id = reply.id;
      this.#ended = reply.id === 0n;
      if (!this.#ended) this.#ask(this.#connection);
      const offset = cursor.byteOffset - rest.byteOffset;
      const { batchStart, batchEnd } = reply;
      const batch = compactArray(rest, offset + batchStart + 4, offset + batchEnd - 1, 0);
      if (batch.documents > 0) this.#documentBytes = batch.bytes.length / batch.documents;
      return { ...batch, resumeToken: reply.resumeToken };
    } catch (error) {
      if (!(error instanceof BsonFrameError)) throw error;
      const unreadable = unreadableReply(this.#client, error.message, error);
      // Whatever sent this must not be asked again on this connection.
      this.#connection.destroy(unreadable);
      throw unreadable;
    }
  }

  /** Ends the cursor on the server and gives the connection back; safe at any moment and more than once. */
  async close(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    this.#ended = true;
    // Requests that a cursor's end has overtaken are answered at once: the cursor is not found.
    if (connection !== undefined && this.#id === 0n) await answerAll(connection);
    if (connection !== undefined) this.#connections.giveBack(connection);
    if (this.#id === 0n) return;
    const { database, collection } = this.#request;
    const id = this.#id;
    this.#id = 0n;
    await killCursor(this.#client, database, collection, id);
  }

  async #open(): Promise<WireConnection> {
    const connection = await this.#connections.take();
    connection.send(this.#command({ ...this.#request.command, batchSize: this.#batchSize() }));
    return connection;
  }

  #ask(connection: WireConnection): void {
    while (connection.unanswered < underWay) {
      const getMore = Long.fromBigInt(this.#id);
      const { collection } = this.#request;
      connection.send(this.#command({ getMore, collection, batchSize: this.#batchSize() }));
    }
  }

  #command(command: Document): Document {
    // A secondary would refuse without it, and a dump reads the member that it was given.
    const $readPreference = { mode: 'primaryPreferred' };
    return { ...command, $db: this.#request.database, $readPreference };
  }

  #batchSize(): number {
    return batchSize(this.#request.batchBytes, this.#documentBytes);
  }
}

function cursorOf(body: Buffer): Buffer {
  for (const { name, type, valueStart, end } of rawElements(body)) {
    if (name === 'cursor' && type === bsonType.document) return body.subarray(valueStart, end);
  }
  throw new BsonFrameError('a reply without cursor', 0);
}

async function answerAll(connection: WireConnection): Promise<void> {
  const reserve: Reserve = (bytes) => Promise.resolve(Buffer.allocUnsafe(bytes));
  try {
    while (connection.unanswered > 0) await connection.receive(reserve);
  } catch {
    // It is lost: nobody uses it any more.
  }
}
