import type { MongoClient } from 'mongodb';
import { errorText, HoldfastError } from '../core/errors';
import { mergedSignal } from '../core/merged-signal';
import { BsonFrameError } from './bson-frames';
import { createStage } from './create-stage';
import { explained, failoverCodes, isConnectionLoss, serverCode } from './errors';
import { insertBatch } from './insert-batch';
import { readProgress, removeProgress, writeProgress, type LoadProgress } from './load-progress';
import { rawBatches, type RawBatch } from './raw-batches';
import { termOf } from './raw-insert';
import type { StagedCollection } from './stage-plan';

/** What loading a stage needs. */
export interface LoadOptions {
  /** Connected as the attempt's user, following the primary. */
  readonly client: MongoClient;
  readonly runId: string;
  readonly collection: StagedCollection;
  /** Content of the .bson from a byte on, which is a document's boundary; chunks may end anywhere. */
  readonly read: (fromByte: number, signal: AbortSignal) => AsyncIterable<Buffer>;
  /**
   * Whether an entry of the oplog window inserts, updates or deletes this document. Asked only when
   * mongod already holds it. `namespace` is the true one, of a time series that of its buckets, `rawId` as bson-frames.ts gives it.
   */
  readonly isTouchedInWindow: (namespace: string, rawId: Buffer) => Promise<boolean>;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
  readonly signal: AbortSignal;
  /** Batches of 2 MB on their way at once: 2 by default; a capped collection has one. */
  readonly inFlight?: number;
  /** Told after every acknowledged batch, for heartbeats: bytes and documents of the .bson that are in the stage. */
  readonly onProgress?: (progress: { bytes: number; documents: number }) => void;
}

/** Outcome of a load: documents + duplicates is the number of documents in the .bson. */
export interface LoadCounts {
  readonly documents: number;
  /** Documents that the stage held already, each equal byte for byte or touched in the window. */
  readonly duplicates: number;
}

/** Another primary, or the same one in a later term, acknowledges now. */
class TermChanged extends Error {
  override readonly name = 'TermChanged';
}

const progressBytes = 64 * 1024 * 1024;
const progressMs = 2_000;
/** Elections survived without a byte of progress between them, before the attempt gives up. */
const maxRestarts = 5;

function isFailover(error: unknown): boolean {
  if (error instanceof TermChanged || isConnectionLoss(error)) return true;
  const code = serverCode(error);
  return code !== undefined && failoverCodes.includes(code);
}

interface Acknowledged extends LoadProgress {
  readonly term: string;
}

/** Accounts for batches in the order of the file and makes the account durable. */
class Watermark {
  readonly #options: LoadOptions;
  #term = '';
  #written: LoadProgress;
  #writtenAt: number;
  #reached: LoadProgress;

  constructor(options: LoadOptions, start: LoadProgress) {
    this.#options = options;
    this.#written = start;
    this.#reached = start;
    this.#writtenAt = options.now();
  }

  /**
   * A batch was acknowledged with w:1. It counts once a progress document written after it in the
   * same term is majority committed: then everything before it in that primary's oplog is, too. The
   * term is compared by the electionId in mongod's replies, which no two terms share, so it holds
   * over any number of connections.
   */
  async account({ bytes, documents, duplicates, term }: Acknowledged): Promise<void> {
    this.#sameTerm(term);
    this.#reached = {
      bytes,
      documents: this.#reached.documents + documents,
      duplicates: this.#reached.duplicates + duplicates,
      complete: false,
    };
    const { onProgress, now } = this.#options;
    onProgress?.({ bytes, documents: this.#reached.documents + this.#reached.duplicates });
    const due =
      bytes - this.#written.bytes >= progressBytes || now() - this.#writtenAt >= progressMs;
    if (due) await this.#write(this.#reached);
  }

  async finish(): Promise<LoadProgress> {
    await this.#write({ ...this.#reached, complete: true });
    return this.#written;
  }

  async #write(progress: LoadProgress): Promise<void> {
    const { client, runId, collection, signal } = this.#options;
    const { database, stage } = collection;
    const reply = await writeProgress(client, { runId, database, stage }, progress, signal);
    this.#sameTerm(termOf(reply));
    this.#written = progress;
    this.#writtenAt = this.#options.now();
  }

  #sameTerm(term: string): void {
    if (term === '') return;
    if (this.#term === '') this.#term = term;
    if (this.#term !== term) throw new TermChanged('an election happened');
  }
}

async function loadFrom(options: LoadOptions, start: LoadProgress): Promise<LoadProgress> {
  const { collection } = options;
  const abort = new AbortController();
  const signal = mergedSignal(options.signal, abort.signal);
  const watermark = new Watermark(options, start);
  const lanes = collection.capped ? 1 : Math.max(1, options.inFlight ?? 2);
  const reload = start.bytes > 0;
  const pending: Promise<Acknowledged>[] = [];
  const send = (batch: RawBatch): void => {
    const sent = insertBatch({ ...options, signal, reload }, batch).then((outcome) => ({
      ...outcome,
      bytes: batch.end,
      complete: false,
    }));
    sent.catch(() => abort.abort());
    pending.push(sent);
  };
  const settleFirst = async (): Promise<void> => {
    const first = pending.shift();
    if (first !== undefined) await watermark.account(await first);
  };
  try {
    for await (const batch of rawBatches(options.read(start.bytes, signal), start.bytes)) {
      options.signal.throwIfAborted();
      while (pending.length >= lanes) await settleFirst();
      send(batch);
    }
    while (pending.length > 0) await settleFirst();
    return await watermark.finish();
  } catch (error) {
    abort.abort();
    const settled = await Promise.allSettled(pending);
    options.signal.throwIfAborted();
    const causes: unknown[] = [error];
    for (const outcome of settled) if (outcome.status === 'rejected') causes.push(outcome.reason);
    throw causes.find((cause) => !isAbortOf(cause, abort.signal)) ?? error;
  }
}

function isAbortOf(error: unknown, signal: AbortSignal): boolean {
  return error === signal.reason || (error instanceof Error && error.name === 'AbortError');
}

function damaged({ collection }: LoadOptions, error: BsonFrameError): HoldfastError {
  const where = `${collection.database}.${collection.name}, byte ${error.offset}`;
  const params = { archive: 'the dump', where, reason: errorText(error) };
  return new HoldfastError('HF-ARCHIVE-001', params, { cause: error });
}

/** Where to begin: after the majority committed progress, or anew. Order in a capped collection can't be mended, so that begins anew. */
async function begin(options: LoadOptions): Promise<LoadProgress> {
  const { client, runId, collection } = options;
  const { database, stage } = collection;
  const progress = await readProgress(client, { runId, database, stage });
  if (progress.complete || (progress.bytes > 0 && !collection.capped)) return progress;
  if (progress.bytes > 0) await removeProgress(client, { runId, database, stage });
  await createStage(client, runId, collection);
  return { bytes: 0, documents: 0, duplicates: 0, complete: false };
}

/**
 * Creates the stage of one collection and loads its .bson into it, byte for byte, several batches at
 * once. Every 64 MB or 2 s a progress document in `holdfast.progress` is majority committed; called
 * again, after a kill or on another primary, it goes on from there. Elections within a call are
 * survived. A document that the stage holds already must equal it byte for byte when it may have been
 * sent before, or be touched in the window: a scan can meet a document twice.
 *
 * @returns documents + duplicates = documents of the .bson
 * @throws HoldfastError HF-LOAD-001 when the .bson holds another number of documents than the plan,
 * HF-LOAD-002 when mongod refuses a document, HF-LOAD-004 when it refuses the options, HF-SWAP-003 when
 * the name of a time series was taken, HF-ARCHIVE-001 when the .bson is damaged, HF-MONGO-001,
 * -004, -005; the signal's reason when it is aborted
 */
export async function loadCollection(options: LoadOptions): Promise<LoadCounts> {
  const { client, collection } = options;
  const namespace = `${collection.database}.${collection.name}`;
  let lastBytes = -1;
  for (let restarts = 0; ; restarts++) {
    options.signal.throwIfAborted();
    try {
      const start = await begin(options);
      if (start.bytes > lastBytes) restarts = 0;
      lastBytes = start.bytes;
      const { documents, duplicates } = start.complete ? start : await loadFrom(options, start);
      if (documents + duplicates !== collection.documents) {
        const found = documents + duplicates;
        throw new HoldfastError('HF-LOAD-001', {
          namespace,
          found,
          expected: collection.documents,
        });
      }
      return { documents, duplicates };
    } catch (error) {
      if (error instanceof BsonFrameError) throw damaged(options, error);
      if (isFailover(error) && restarts < maxRestarts) continue;
      await explained(client, 'insert', namespace, () => Promise.reject(error));
    }
  }
}
