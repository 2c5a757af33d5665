import { Long, type Document, type MongoClient } from 'mongodb';
import { HoldfastError } from '../core/errors';
import { explained } from './errors';

/** How far a collection is loaded, majority committed. */
export interface LoadProgress {
  /** Bytes of the .bson that are in the stage: a document's boundary. */
  readonly bytes: number;
  /** Documents of the .bson that were inserted. */
  readonly documents: number;
  /** Documents of the .bson that were there already, each judged. */
  readonly duplicates: number;
  readonly complete: boolean;
}

export const noProgress: LoadProgress = { bytes: 0, documents: 0, duplicates: 0, complete: false };

/** Whose progress: a run and a stage. */
export interface ProgressKey {
  readonly runId: string;
  readonly database: string;
  readonly stage: string;
}

/** How long a majority may take before the load is tried again, milliseconds. */
const wtimeout = 60_000;

function idOf({ runId, database, stage }: ProgressKey): string {
  return `${runId}/${database}.${stage}`;
}

function count(value: unknown): number {
  return Long.isLong(value) ? value.toNumber() : Number(value);
}

/**
 * The majority committed progress of a stage; {@link noProgress} when there is none. Linearizable: a
 * primary that was just elected may not know yet how much its majority has, and would answer a
 * majority read with an older progress, or none.
 */
export async function readProgress(client: MongoClient, key: ProgressKey): Promise<LoadProgress> {
  const found = await explained(client, 'find', 'holdfast.progress', () =>
    client
      .db('holdfast')
      .collection<{ _id: string }>('progress')
      .findOne<Document>(
        { _id: idOf(key) },
        { readConcern: 'linearizable', readPreference: 'primary', maxTimeMS: wtimeout },
      ),
  );
  if (found === null) return noProgress;
  return {
    bytes: count(found['bytes']),
    documents: count(found['documents']),
    duplicates: count(found['duplicates']),
    complete: found['complete'] === true,
  };
}

/**
 * Writes a progress document and waits until a majority has it. Gives mongod's reply: its
 * `electionId` says in which term it was written.
 *
 * @throws HoldfastError HF-MONGO-004 when mongod refuses it; the driver's errors
 */
export async function writeProgress(
  client: MongoClient,
  key: ProgressKey,
  progress: LoadProgress,
  signal?: AbortSignal,
): Promise<Document> {
  const reply = await client.db('holdfast').command(
    {
      update: 'progress',
      updates: [
        {
          q: { _id: idOf(key) },
          u: {
            run: key.runId,
            ns: `${key.database}.${key.stage}`,
            bytes: Long.fromNumber(progress.bytes),
            documents: Long.fromNumber(progress.documents),
            duplicates: Long.fromNumber(progress.duplicates),
            complete: progress.complete,
          },
          upsert: true,
        },
      ],
      writeConcern: { w: 'majority', wtimeout },
    },
    signal === undefined ? {} : { signal },
  );
  if (reply['writeErrors'] !== undefined) {
    const reason = JSON.stringify(reply['writeErrors']);
    throw new HoldfastError('HF-MONGO-004', {
      command: 'update',
      target: 'holdfast.progress',
      code: 'writeErrors',
      reason,
    });
  }
  return reply;
}

/** Removes the progress of one stage, so that it is loaded from its first byte again. */
export async function removeProgress(client: MongoClient, key: ProgressKey): Promise<void> {
  await explained(client, 'delete', 'holdfast.progress', () =>
    client
      .db('holdfast')
      .collection<{ _id: string }>('progress')
      .deleteOne({ _id: idOf(key) }, { writeConcern: { w: 'majority', wtimeoutMS: wtimeout } }),
  );
}

/** Namespaces of the stages that a run has progress documents of, majority committed ones only. */
export async function knownStages(client: MongoClient, runId: string): Promise<string[]> {
  return explained(client, 'find', 'holdfast.progress', async () => {
    const found = await client
      .db('holdfast')
      .collection<{ _id: string; run: string; ns: string }>('progress')
      .find({ run: runId }, { readConcern: 'majority' })
      .toArray();
    return found.map(({ ns }) => ns);
  });
}
