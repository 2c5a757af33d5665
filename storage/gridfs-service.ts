import type { Binary, ClientSession, Collection, Long, MongoClient, ObjectId } from 'mongodb';
import { errorText, HoldfastError } from '../core/errors';
import type { GridfsStorageOptions } from './gridfs-options';
import { openOwnMongo } from './own-mongo';

/** `<bucket>.files`, as GridFS has it; the last thing that is written of a file. */
export interface FileDocument {
  readonly _id: ObjectId;
  /** Bytes. */
  readonly length: Long | number;
  readonly chunkSize: number;
  readonly uploadDate: Date;
  /** The key; unique. */
  readonly filename: string;
  readonly metadata: { readonly v: 1; readonly sha256: string };
}

/** `<bucket>.chunks`, as GridFS has it. */
export interface ChunkDocument {
  readonly _id: ObjectId;
  readonly files_id: ObjectId;
  readonly n: number;
  readonly data: Binary;
}

/** `<bucket>.uploads`: whose chunks have no files document yet, or none any more (`garbage`). */
export interface UploadDocument {
  readonly _id: ObjectId;
  readonly key: string;
  readonly touched: Date;
  readonly garbage?: true;
}

export interface GridfsCollections {
  readonly client: MongoClient;
  readonly files: Collection<FileDocument>;
  readonly chunks: Collection<ChunkDocument>;
  readonly uploads: Collection<UploadDocument>;
}

const duplicateKey = 11_000;
const refusals = [13, 18, 8000];
/** Milliseconds until a majority must have what was written. */
const majorityWait = 60_000;

export function mongoCode(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'number' ? error.code : undefined;
}

export const isDuplicate = (error: unknown): boolean => mongoCode(error) === duplicateKey;

/** The database of a storage: connected by the first call and again after `close`; all of it at majority. */
export class GridfsService {
  #connected: Promise<GridfsCollections> | undefined;

  constructor(readonly options: GridfsStorageOptions) {}

  collections(): Promise<GridfsCollections> {
    this.#connected ??= this.#connect().catch((error: unknown) => {
      this.#connected = undefined;
      throw error;
    });
    return this.#connected;
  }

  #connect(): Promise<GridfsCollections> {
    const { database, bucket } = this.options;
    const concerns = {
      appName: 'holdfast-storage',
      readConcern: { level: 'majority' },
      writeConcern: { w: 'majority', wtimeoutMS: majorityWait },
    } as const;
    return openOwnMongo(this.options, concerns, async (client) => {
      const db = client.db(database);
      const files = db.collection<FileDocument>(`${bucket}.files`);
      const chunks = db.collection<ChunkDocument>(`${bucket}.chunks`);
      const uploads = db.collection<UploadDocument>(`${bucket}.uploads`);
      // Made before any transaction needs the collections.
      await files.createIndex({ filename: 1 }, { unique: true });
      await chunks.createIndex({ files_id: 1, n: 1 }, { unique: true });
      await uploads.createIndex({ key: 1 });
      return { client, files, chunks, uploads };
    });
  }

  /** Runs `work` in a transaction, again where another one was in its way. */
  async transaction<T>(work: (session: ClientSession) => Promise<T>): Promise<T> {
    const { client } = await this.collections();
    return client.withSession((session) =>
      session.withTransaction(() => work(session), {
        readConcern: { level: 'snapshot' },
        writeConcern: { w: 'majority', wtimeoutMS: majorityWait },
      }),
    );
  }

  date(): Date {
    return new Date(this.options.now());
  }

  failure(operation: string, name: string, error: unknown): HoldfastError {
    const storage = this.options.name;
    const reason = errorText(error);
    if (refusals.includes(mongoCode(error) ?? 0)) {
      return new HoldfastError('HF-STORAGE-013', { storage, reason }, { cause: error });
    }
    const params = { storage, operation, name, reason };
    return new HoldfastError('HF-STORAGE-006', params, { cause: error });
  }

  async close(): Promise<void> {
    const connected = this.#connected;
    this.#connected = undefined;
    await (await connected?.catch(() => undefined))?.client.close();
  }
}
