import { MongoServerError, type MongoClient } from 'mongodb';
import { bsonType, rawId } from './bson-frames';
import { serverCode } from './errors';
import { notReplayable, rewritten, type OplogOperation } from './oplog-unfold';
import { findRawById } from './raw-find';
import { rawField } from './raw-command';
import { rawArray } from './raw-document';
import type { MissingUpdates } from './missing-updates';
import type { StagedCollection } from './stage-plan';

/** An operation and where it goes. */
export interface StagedOperation {
  readonly operation: OplogOperation;
  readonly stage: StagedCollection;
}

/** mongod adds a `ui` to each operation and the command must stay under 16 MB. */
const addedPerOperation = 22 + 8;
const maxBytes = 8 * 1024 * 1024;
const maxOperations = 2_000;
/** What applyOps answers when some operations failed and the others were applied. */
const someFailed = 8;

function results(error: unknown): boolean[] | undefined {
  if (!(error instanceof MongoServerError) || serverCode(error) !== someFailed) return undefined;
  const list: unknown = error.errorResponse['results'];
  return Array.isArray(list) ? list.map((item) => item === true) : undefined;
}

function idOf({ op, o, o2 }: OplogOperation): Buffer | undefined {
  return rawId(op === 'u' && o2 !== undefined ? o2 : o);
}

/** Sends operations as they are, many to a command, and judges those that mongod could not apply. */
export class OperationBatch {
  readonly #client: MongoClient;
  readonly #missing: MissingUpdates;
  readonly #signal: AbortSignal;
  #operations: StagedOperation[] = [];
  #raw: Buffer[] = [];
  #bytes = 0;

  constructor(client: MongoClient, missing: MissingUpdates, signal: AbortSignal) {
    this.#client = client;
    this.#missing = missing;
    this.#signal = signal;
  }

  /** Adds an operation; sends what is held when it is enough. */
  async add(operation: OplogOperation, stage: StagedCollection): Promise<void> {
    const raw = rewritten(operation, `${stage.database}.${stage.stage}`);
    const bytes = raw.length + addedPerOperation;
    if (this.#bytes + bytes > maxBytes || this.#raw.length >= maxOperations) await this.flush();
    this.#operations.push({ operation, stage });
    this.#raw.push(raw);
    this.#bytes += bytes;
  }

  /**
   * Sends what is held, majority committed when it resolves.
   *
   * @throws HoldfastError HF-REPLAY-001 when anything but an update of a missing document failed;
   * the driver's errors
   */
  async flush(): Promise<void> {
    if (this.#raw.length === 0) return;
    this.#signal.throwIfAborted();
    const applied = await this.#apply(rawArray(this.#raw));
    await this.#account(this.#operations, applied);
    this.#operations = [];
    this.#raw = [];
    this.#bytes = 0;
  }

  async #apply(operations: Buffer): Promise<boolean[] | undefined> {
    try {
      await this.#client.db('admin').command(
        {
          ...rawField('applyOps', bsonType.array, operations),
          allowAtomic: false,
          alwaysUpsert: false,
          bypassDocumentValidation: true,
          writeConcern: { w: 'majority', wtimeout: 60_000 },
        },
        { signal: this.#signal },
      );
      return undefined;
    } catch (error) {
      const found = results(error);
      if (found === undefined) throw error;
      return found;
    }
  }

  async #account(
    operations: readonly StagedOperation[],
    applied: boolean[] | undefined,
  ): Promise<void> {
    if (applied !== undefined && applied.length !== operations.length) {
      const position = operations[0]?.operation.position ?? '';
      throw notReplayable(position, 'applyOps', 'mongod did not answer for each operation');
    }
    for (const [index, { operation, stage }] of operations.entries()) {
      const id = idOf(operation);
      if (id === undefined) continue;
      if (operation.op === 'd') this.#missing.deleted(operation.namespace, id);
      if (applied === undefined || applied[index] === true) continue;
      await this.#mustBeMissing(operation, stage, id, operations.slice(index + 1));
      this.#missing.missed(operation.namespace, id);
    }
  }

  /** The only failure that is legal: the update met nothing. mongod doesn't say why, so it is looked up. */
  async #mustBeMissing(
    operation: OplogOperation,
    stage: StagedCollection,
    id: Buffer,
    later: readonly StagedOperation[],
  ): Promise<void> {
    const { op, namespace, position } = operation;
    if (op !== 'u') throw notReplayable(position, op, `mongod refused it on ${namespace}`);
    const insertedLater = later.some(
      (next) =>
        next.operation.op === 'i' &&
        next.operation.namespace === namespace &&
        idOf(next.operation)?.equals(id) === true,
    );
    if (insertedLater) return;
    const present = await findRawById(this.#client, stage.database, stage.stage, id);
    if (present !== undefined)
      throw notReplayable(position, op, `mongod refused it on ${namespace}`);
  }
}
