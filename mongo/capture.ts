import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import type { Writable } from 'node:stream';
import type { MongoClient } from 'mongodb';
import { elementJson } from './canonical-json';
import { findElement, frameLength, rawElements, stringValue, type RawElement } from './bson-frames';
import { captureUsersAndRoles } from './capture-users';
import { describeCollections, hasOption, type DescribedCollection } from './collections';
import { dataCollection } from './dump-stream';
import { commandError } from './errors';
import { RawCursor } from './raw-cursor';

/** Documents that share one hash. */
export const chunkDocuments = 1_000;

/** A collection, view or time series without its documents, and hashes instead of them. */
export interface CapturedCollection {
  readonly namespace: string;
  readonly type: string;
  /** Canonical Extended JSON of each option by its name, as in `{"capped": "true"}`. */
  readonly options: Readonly<Record<string, string>>;
  /** The same of each index: fields by name, of each index by its name. */
  readonly indexes: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Order of the chunks: `natural` for capped collections, `_id` for all others. */
  readonly order: '_id' | 'natural';
  readonly documents: number;
  /** SHA-256, hex, of the raw bytes of each 1,000 documents. */
  readonly chunks: readonly string[];
}

/** What a server holds, small enough to keep: equal servers have equal captures. */
export interface Capture {
  readonly format: 'holdfast-capture/1';
  /** By namespace. */
  readonly collections: readonly CapturedCollection[];
  /** Canonical text of each user and role by its id, without credentials and userId. */
  readonly users: Readonly<Record<string, string>>;
  readonly roles: Readonly<Record<string, string>>;
}

/** mongod 4.4 turns a TTL index's seconds into an int64 when collMod sets them: only the number counts. */
function fieldText(document: Buffer, element: RawElement): string {
  const text = elementJson(document, element);
  return element.name === 'expireAfterSeconds' ? text.replace('$numberLong', '$numberInt') : text;
}

/** Fields of a document by name as canonical text; the order of the fields does not count. */
function fieldsOf(document: Buffer): Record<string, string> {
  return Object.fromEntries(
    [...rawElements(document)]
      .map((element) => [element.name, fieldText(document, element)] as const)
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
}

/** Hashes documents in groups of {@link chunkDocuments}. */
class ChunkHasher {
  readonly chunks: string[] = [];
  documents = 0;
  #hash = createHash('sha256');

  push(bytes: Buffer): void {
    let start = 0;
    for (let at = 0; at < bytes.length;) {
      at += frameLength(bytes, at);
      this.documents++;
      if (this.documents % chunkDocuments !== 0) continue;
      this.#hash.update(bytes.subarray(start, at));
      this.chunks.push(this.#hash.digest('hex'));
      this.#hash = createHash('sha256');
      start = at;
    }
    this.#hash.update(bytes.subarray(start));
  }

  end(): void {
    if (this.documents % chunkDocuments !== 0) this.chunks.push(this.#hash.digest('hex'));
  }
}

async function hashDocuments(
  client: MongoClient,
  collection: DescribedCollection,
  order: '_id' | 'natural',
  signal: AbortSignal | undefined,
): Promise<ChunkHasher> {
  const hasher = new ChunkHasher();
  if (collection.type === 'view') return hasher;
  const name = dataCollection(collection);
  const cursor = new RawCursor(client, {
    database: collection.database,
    collection: name,
    command: {
      find: name,
      filter: {},
      ...(order === 'natural' ? { hint: { $natural: 1 } } : { sort: { _id: 1 } }),
    },
    batchBytes: 4 * 1024 * 1024,
    documentBytes: 1024,
    ...(signal === undefined ? {} : { signal }),
  });
  try {
    for (let batch = await cursor.next(); batch !== undefined; batch = await cursor.next()) {
      hasher.push(batch.bytes);
    }
    hasher.end();
    return hasher;
  } catch (error) {
    throw commandError(client, 'find', `${collection.database}.${name}`, error);
  } finally {
    await cursor.close();
  }
}

async function captureCollection(
  client: MongoClient,
  collection: DescribedCollection,
  signal: AbortSignal | undefined,
): Promise<CapturedCollection> {
  const order = hasOption(collection.options, 'capped') ? 'natural' : '_id';
  const { documents, chunks } = await hashDocuments(client, collection, order, signal);
  const indexes: Record<string, Record<string, string>> = {};
  for (const index of collection.indexes) {
    // `ns` is what servers before 4.4 wrote into the specification: it repeats the namespace.
    const { ns: _ns, ...fields } = fieldsOf(index);
    indexes[stringValue(index, findElement(index, 'name')) ?? ''] = fields;
  }
  return {
    namespace: `${collection.database}.${collection.name}`,
    type: collection.type,
    options: fieldsOf(collection.options),
    indexes,
    order,
    documents,
    chunks,
  };
}

/**
 * Digests everything Holdfast backs up on a server that nobody writes to: collections, options,
 * indexes, views, raw documents, and users and roles other than Holdfast's own. No document is
 * decoded, so every type and every bit counts. With a destination the capture is written there as
 * one JSON document; a stream is ended.
 *
 * @param destination file to write, or a stream
 * @throws HoldfastError HF-MONGO-001, -004, -005, -006; the signal's reason
 */
export async function captureServer(
  client: MongoClient,
  destination?: string | Writable,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<Capture> {
  const collections: CapturedCollection[] = [];
  for (const collection of await describeCollections(client)) {
    signal?.throwIfAborted();
    collections.push(await captureCollection(client, collection, signal));
  }
  const capture: Capture = {
    format: 'holdfast-capture/1',
    collections,
    ...(await captureUsersAndRoles(client)),
  };
  if (typeof destination === 'string') {
    await writeFile(destination, captureText(capture), { mode: 0o600 });
  } else if (destination !== undefined) {
    if (!destination.write(captureText(capture))) await once(destination, 'drain');
    destination.end();
    await finished(destination);
  }
  return capture;
}

function captureText(capture: Capture): string {
  return `${JSON.stringify(capture, undefined, 1)}\n`;
}
