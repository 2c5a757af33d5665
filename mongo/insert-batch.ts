import { HoldfastError } from '../core/errors';
import { BsonFrameError, frameLength, rawId } from './bson-frames';
import type { LoadOptions } from './load-collection';
import type { RawBatch } from './raw-batches';
import { serverCode } from './errors';
import { findDamage } from './find-damage';
import { bucketsNamespace } from './namespaces';
import { findRawById } from './raw-find';
import { insertRaw, insertVerbatim, type InsertTarget } from './raw-insert';

interface BatchOptions extends LoadOptions {
  /** Documents of this batch may have been sent before by an attempt that is not known to have succeeded. */
  readonly reload: boolean;
}

interface BatchOutcome {
  readonly documents: number;
  readonly duplicates: number;
  /** The term of its acknowledgements, several if they differ; empty when a majority has it already. */
  readonly term: string;
}

const duplicateKey = 11000;
/** InvalidBSON: the whole command is refused, with nothing said of which document it was. */
const invalidBson = 22;

function offsetOf(documents: Buffer, position: number): number {
  let at = 0;
  for (let skipped = 0; skipped < position; skipped++) at += frameLength(documents, at);
  return at;
}

async function judge(options: BatchOptions, document: Buffer): Promise<void> {
  const { client, collection, isTouchedInWindow, reload } = options;
  const namespace = `${collection.database}.${collection.name}`;
  const id = rawId(document);
  if (id === undefined) throw new BsonFrameError('a duplicate without _id', 0);
  const present = await findRawById(client, collection.database, collection.stage, id);
  if (reload && present?.equals(document) === true) return;
  const touched = collection.series ? bucketsNamespace(namespace) : namespace;
  if (await isTouchedInWindow(touched, id)) return;
  throw new HoldfastError('HF-LOAD-002', {
    namespace,
    code: duplicateKey,
    reason: 'a document is in the backup twice and nothing changed it while the backup was taken',
  });
}

/** Inserts documents, judging each that is there already; a capped collection goes on behind it in order. */
async function insertAll(
  options: BatchOptions,
  target: InsertTarget,
  documents: Buffer,
): Promise<{ duplicates: number; inserted: number; term: string }> {
  let rest = documents;
  let duplicates = 0;
  let inserted = 0;
  const terms = new Set<string>();
  while (rest.length > 0) {
    const outcome = await insertRaw(target, rest);
    terms.add(outcome.term);
    inserted += outcome.inserted;
    duplicates += outcome.duplicates.length;
    let after = rest.length;
    for (const position of outcome.duplicates) {
      const at = offsetOf(rest, position);
      const length = frameLength(rest, at);
      await judge(options, rest.subarray(at, at + length));
      if (target.ordered) after = at + length;
    }
    rest = rest.subarray(after);
  }
  return { duplicates, inserted, term: [...terms].join(' ') };
}

function refused({ collection }: BatchOptions, reason: string): HoldfastError {
  const namespace = `${collection.database}.${collection.name}`;
  return new HoldfastError('HF-LOAD-002', { namespace, code: 'ok', reason });
}

/**
 * Inserts one batch and accounts for each of its documents.
 *
 * @throws BsonFrameError naming the document that mongod refuses as invalid BSON; HoldfastError
 * HF-LOAD-002; the driver's errors
 */
export async function insertBatch(options: BatchOptions, batch: RawBatch): Promise<BatchOutcome> {
  try {
    return await insertWhole(options, batch);
  } catch (error) {
    if (serverCode(error) !== invalidBson) throw error;
    throw findDamage(batch.bytes, batch.end - batch.bytes.length) ?? error;
  }
}

async function insertWhole(options: BatchOptions, batch: RawBatch): Promise<BatchOutcome> {
  const { client, collection, signal } = options;
  const { database, stage } = collection;
  const target = { client, database, collection: stage, ordered: collection.capped, signal };
  if (batch.verbatim.length === 0) {
    const { inserted, duplicates, term } = await insertAll(options, target, batch.bytes);
    if (inserted + duplicates !== batch.documents) {
      throw refused(options, `${inserted} of ${batch.documents} documents were inserted`);
    }
    return { documents: inserted, duplicates, term };
  }
  return insertMixed(options, target, batch);
}

/** A batch with documents that need insertVerbatim, all in their order. */
async function insertMixed(
  options: BatchOptions,
  target: InsertTarget,
  batch: RawBatch,
): Promise<BatchOutcome> {
  let at = 0;
  let documents = 0;
  let duplicates = 0;
  const terms = new Set<string>();
  const insertUpTo = async (end: number): Promise<void> => {
    if (end === at) return;
    const outcome = await insertAll(options, target, batch.bytes.subarray(at, end));
    documents += outcome.inserted;
    duplicates += outcome.duplicates;
    terms.add(outcome.term);
  };
  for (const { start, end } of batch.verbatim) {
    await insertUpTo(start);
    await insertVerbatim(target, batch.bytes.subarray(start, end));
    documents++;
    at = end;
  }
  await insertUpTo(batch.bytes.length);
  if (documents + duplicates !== batch.documents) {
    throw refused(options, `${documents} of ${batch.documents} documents were inserted`);
  }
  return { documents, duplicates, term: [...terms].join(' ') };
}
