import type { AnyBulkWriteOperation, Collection, Document, MongoClient } from 'mongodb';
import { errorText, HoldfastError, isHoldfastError } from '../core/errors';
import { openOwnMongo, type OwnMongo } from '../storage/own-mongo';
import type { BackupSummary } from './backup-summary';
import {
  backupFields,
  catalogBackup,
  datasetFields,
  datasetFieldsOf,
  listingFields,
  readDatasets,
  readSummary,
  summaryFields,
  withDatasets,
  type CatalogBackup,
} from './catalog-document';
import { selectAtoms, type Dataset, type FindRequest, type FoundAtoms } from './find-atoms';
import type { StoredBackup } from './storage-catalog';

/** A storage as a catalog knows it. */
export interface CatalogStorage {
  /** What tells it from all others, whoever asks. */
  readonly identity: string;
  /** The name it has in the configuration, for errors. */
  readonly name: string;
}

interface Entry extends Document {
  readonly _id: string;
}

const batch = 200;

/**
 * What storages hold, in a MongoDB: a copy that is quicker to ask, and can be asked where a storage
 * is out of reach. Never the truth: `rebuildCatalog` makes it anew. One document a backup in the
 * collection `backups`, and one a storage that says that all of its backups were entered.
 * Every method @throws HoldfastError HF-CATALOG-001 when the server cannot be used, or holds something
 * of another making.
 */
export class MongoCatalog {
  #connected: Promise<MongoClient> | undefined;

  /** @param options its `timeout` counts twice for each call. */
  constructor(private readonly options: OwnMongo) {}

  /** Its servers, for people. */
  get place(): string {
    return this.options.hosts.join(',');
  }

  /** Whether all backups of a storage were entered once. */
  async knows(storage: CatalogStorage): Promise<boolean> {
    return this.#use(async (entries) => (await entries.findOne({ _id: markOf(storage) })) !== null);
  }

  /** All backups of the storage have been entered. */
  async declareWhole(storage: CatalogStorage, at: Date): Promise<void> {
    await this.#use((entries) =>
      entries.updateOne(
        { _id: markOf(storage) },
        { $set: { v: 1, storage: storage.identity, rebuilt: at } },
        { upsert: true },
      ),
    );
  }

  /** Enters a dataset, and its backup, which may be there already. Idempotent: it takes the place of what had its id. */
  async addDataset(
    storage: CatalogStorage,
    backup: CatalogBackup,
    dataset: Dataset,
  ): Promise<void> {
    await this.#write([datasetWrite(storage, backup, dataset)]);
  }

  /** Enters backups as the storage holds them, complete or not. */
  async enter(storage: CatalogStorage, backups: readonly StoredBackup[]): Promise<void> {
    await this.#write(
      backups.flatMap((stored) => {
        const complete = catalogBackup(stored);
        if (complete === undefined || complete.datasets.length === 0) {
          return [bareWrite(storage, stored)];
        }
        const { backup, datasets } = complete;
        return datasets.map((dataset) => datasetWrite(storage, backup, dataset));
      }),
    );
  }

  /** Forgets backups. Those it doesn't know are no error. */
  async remove(storage: CatalogStorage, ids: readonly string[]): Promise<void> {
    await this.#write(ids.map((id) => ({ deleteOne: { filter: { _id: entryOf(storage, id) } } })));
  }

  /** Ids of the backups it knows, of a controller or of all, sorted. */
  async ids(storage: CatalogStorage, controller?: string): Promise<string[]> {
    return this.#use(async (entries) => {
      const found = entries.find(queryOf(storage, controller), { projection: { id: 1 } });
      return (await found.sort({ id: 1 }).toArray()).map(({ id }) => String(id));
    });
  }

  /** The backups it knows, of a controller or of all, oldest first. */
  async list(storage: CatalogStorage, controller?: string): Promise<BackupSummary[]> {
    return this.#use(async (entries) => {
      const found = entries.find(queryOf(storage, controller), {
        projection: Object.fromEntries(summaryFields.map((field) => [field, 1])),
      });
      const documents = await found.sort({ id: 1 }).toArray();
      return documents.map((document) => readSummary(storage.name, document));
    });
  }

  /** The atoms that are asked for, of the newest backup first; only those, in the datasets that hold them. */
  async findAtoms(
    storage: CatalogStorage,
    request: FindRequest,
    controller?: string,
  ): Promise<FoundAtoms[]> {
    const { olderThan } = request;
    const old = olderThan === undefined ? {} : { started: { $lt: new Date(olderThan) } };
    return this.#use(async (entries) => {
      const query = { ...queryOf(storage, controller), ...withDatasets, ...old };
      const found = entries.find(query, {
        projection: Object.fromEntries(datasetFields.map((field) => [field, 1])),
      });
      return selectAtoms((await found.toArray()).map(readDatasets), request);
    });
  }

  /** Ends the connections; the next call makes new ones. */
  async close(): Promise<void> {
    const connected = this.#connected;
    this.#connected = undefined;
    await (await connected?.catch(() => undefined))?.close();
  }

  async #write(writes: readonly AnyBulkWriteOperation<Entry>[]): Promise<void> {
    await this.#use(async (entries) => {
      for (let at = 0; at < writes.length; at += batch) {
        await entries.bulkWrite(writes.slice(at, at + batch), { ordered: true });
      }
    });
  }

  async #use<T>(work: (entries: Collection<Entry>) => Promise<T>): Promise<T> {
    try {
      this.#connected ??= this.#connect();
      const client = await this.#connected;
      return await work(client.db(this.options.database).collection<Entry>('backups'));
    } catch (error) {
      // The next call connects anew.
      await this.close();
      if (isHoldfastError(error)) throw error;
      const params = { hosts: this.place, reason: errorText(error) };
      throw new HoldfastError('HF-CATALOG-001', params, { cause: error });
    }
  }

  #connect(): Promise<MongoClient> {
    const { timeout, database } = this.options;
    const limits = {
      appName: 'holdfast-catalog',
      writeConcern: { w: 'majority', wtimeoutMS: timeout * 2 },
      // A server that stopped in the middle of an answer.
      socketTimeoutMS: timeout * 2,
    } as const;
    return openOwnMongo(this.options, limits, async (client) => {
      const entries = client.db(database).collection<Entry>('backups');
      await entries.createIndex({ storage: 1, controller: 1, id: 1 });
      return client;
    });
  }
}

const entryOf = ({ identity }: CatalogStorage, id: string): string => `${identity} ${id}`;
const markOf = ({ identity }: CatalogStorage): string => `${identity} (whole)`;

function queryOf({ identity }: CatalogStorage, controller: string | undefined): Document {
  const known = { storage: identity, id: { $exists: true } };
  return controller === undefined ? known : { ...known, controller };
}

/** Values for an aggregation: nothing in them is taken for an operator. */
function literals(fields: Readonly<Record<string, unknown>>): Document {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, { $literal: value }]),
  );
}

function datasetWrite(
  storage: CatalogStorage,
  backup: CatalogBackup,
  dataset: Dataset,
): AnyBulkWriteOperation<Entry> {
  const others = {
    $filter: {
      input: { $ifNull: ['$datasets', []] },
      cond: { $ne: ['$$this.id', { $literal: dataset.id }] },
    },
  };
  const fields = literals({ v: 1, storage: storage.identity, ...backupFields(backup) });
  const datasets = { $concatArrays: [others, [{ $literal: datasetFieldsOf(dataset) }]] };
  return {
    updateOne: {
      filter: { _id: entryOf(storage, backup.id) },
      update: [{ $set: { ...fields, datasets } }],
      upsert: true,
    },
  };
}

/** An entry without datasets: of a backup that is incomplete or damaged, or has none. */
function bareWrite(
  storage: CatalogStorage,
  { scanned, manifest }: StoredBackup,
): AnyBulkWriteOperation<Entry> {
  const _id = entryOf(storage, scanned.name);
  const fields = { v: 1, storage: storage.identity, ...listingFields(scanned, manifest) };
  return { replaceOne: { filter: { _id }, replacement: { _id, ...fields }, upsert: true } };
}
