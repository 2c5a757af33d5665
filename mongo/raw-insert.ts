import { Long, MongoWriteConcernError, ObjectId, type Document, type MongoClient } from 'mongodb';
import { DocumentSequence } from 'mongodb/lib/cmap/commands';
import { HoldfastError } from '../core/errors';
import { bsonType } from './bson-frames';
import { rawField } from './raw-command';
import { rawArray, rawDocument, rawElement, stringElement } from './raw-document';

/** Documents of an `insert` that are sent as they lie in a buffer: no copy and no decoding of any. */
class RawSequence extends DocumentSequence {
  readonly #documents: Buffer;

  constructor(documents: Buffer) {
    super('documents');
    this.#documents = documents;
  }

  override toBin(): Uint8Array {
    const name = 'documents\0';
    const head = Buffer.allocUnsafe(5 + name.length);
    head[0] = 1;
    head.writeInt32LE(4 + name.length + this.#documents.length, 1);
    head.write(name, 5, 'latin1');
    return Buffer.concat([head, this.#documents]);
  }
}

export interface InsertTarget {
  readonly client: MongoClient;
  readonly database: string;
  readonly collection: string;
  /** One after the other, and none after the first that is refused. */
  readonly ordered: boolean;
  readonly signal?: AbortSignal;
}

export interface InsertOutcome {
  readonly inserted: number;
  /** Positions of the documents whose `_id` the collection has already (11000), ascending. */
  readonly duplicates: readonly number[];
  /** Names the primary's term: equal in two replies means no election lies between them. */
  readonly term: string;
}

/** A batch's limits: above 2 MB nothing gets faster, above 100,000 documents mongod refuses it. */
export const maxBatchBytes = 2 * 1024 * 1024;
export const maxBatchDocuments = 100_000;

const duplicateKey = 11000;

/** The term in which a write was acknowledged, from mongod's reply to it. */
export function termOf(reply: Document): string {
  const id: unknown = reply['electionId'];
  return id instanceof ObjectId ? id.toHexString() : '';
}

function count(value: unknown): number {
  return Long.isLong(value) ? value.toNumber() : Number(value);
}

function writeErrors(reply: Document): { index: number; code: number; text: string }[] {
  const errors: unknown = reply['writeErrors'];
  if (!Array.isArray(errors)) return [];
  return errors.map((error: Document) => ({
    index: count(error['index']),
    code: count(error['code']),
    text: String(error['errmsg']),
  }));
}

function refused(target: InsertTarget, code: number | string, reason: string): HoldfastError {
  const namespace = `${target.database}.${target.collection}`;
  return new HoldfastError('HF-LOAD-002', { namespace, code, reason });
}

/**
 * Inserts documents that lie one after the other in `documents`, byte for byte, with w:1 and past
 * any validator. Documents that are there already are told, every other refusal is an error.
 *
 * @param documents at most {@link maxBatchDocuments} documents and 48,000,000 bytes
 * @throws HoldfastError HF-LOAD-002 when mongod refuses a document or reports a write concern error;
 * the driver's errors otherwise
 */
export async function insertRaw(target: InsertTarget, documents: Buffer): Promise<InsertOutcome> {
  const { client, database, collection, ordered, signal } = target;
  let reply: Document;
  try {
    reply = await client.db(database).command(
      {
        insert: collection,
        ordered,
        bypassDocumentValidation: true,
        writeConcern: { w: 1 },
        documents: new RawSequence(documents),
      },
      signal === undefined ? {} : { signal },
    );
  } catch (error) {
    if (error instanceof MongoWriteConcernError) {
      throw refused(target, String(error.code ?? 'writeConcernError'), error.message);
    }
    throw error;
  }
  const errors = writeErrors(reply);
  const other = errors.find(({ code }) => code !== duplicateKey);
  if (other !== undefined) throw refused(target, other.code, other.text);
  return {
    inserted: count(reply['n']),
    duplicates: errors.map(({ index }) => index).sort((a, b) => a - b),
    term: termOf(reply),
  };
}

/**
 * Inserts one document that `insert` would change: it fills top-level Timestamp(0, 0) and puts
 * `_id` first, an insert through applyOps does neither. A document of the same `_id` is replaced. A
 * majority has it when this resolves.
 *
 * @throws the driver's errors
 */
export async function insertVerbatim(target: InsertTarget, document: Buffer): Promise<void> {
  const operation = rawDocument([
    stringElement('op', 'i'),
    stringElement('ns', `${target.database}.${target.collection}`),
    rawElement(bsonType.document, 'o', document),
  ]);
  await target.client.db('admin').command(
    {
      ...rawField('applyOps', bsonType.array, rawArray([operation])),
      allowAtomic: false,
      alwaysUpsert: false,
      bypassDocumentValidation: true,
      writeConcern: { w: 'majority', wtimeout: 60_000 },
    },
    target.signal === undefined ? {} : { signal: target.signal },
  );
}
