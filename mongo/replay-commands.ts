import type { MongoClient } from 'mongodb';
import { bsonType, elementValue, findElement, rawElements, type RawElement } from './bson-frames';
import type { NamespaceMap } from '../core/namespace-selection';
import { createStage } from './create-stage';
import { explained } from './errors';
import type { MissingUpdates } from './missing-updates';
import { isDumpedCollection, isIncludedDatabase, seriesOf, splitNamespace } from './namespaces';
import { commandOf, notReplayable, type OplogOperation } from './oplog-unfold';
import { rawField } from './raw-command';
import { elementBytes, numberValue } from './raw-document';
import type { ReplayCatalog } from './replay-catalog';

/** Entries that change nothing a restore has to follow. */
const ignored = ['startIndexBuild', 'abortIndexBuild', 'setMultikeyMetadata', 'dropIdent'];
const indexCommands = ['createIndexes', 'commitIndexBuild', 'dropIndexes', 'deleteIndexes'];

/** Fields of a collMod entry that change an option, and the option's name in listCollections. */
const modifiableOptions: Readonly<Record<string, string>> = {
  validator: 'validator',
  validationLevel: 'validationLevel',
  validationAction: 'validationAction',
  changeStreamPreAndPostImages: 'changeStreamPreAndPostImages',
  recordPreImages: 'recordPreImages',
  cappedSize: 'size',
  cappedMax: 'max',
};
/** Fields of a command that say how it was sent. */
const generic = ['writeConcern', 'lsid', '$db', '$clusterTime', 'comment', 'maxTimeMS'];

interface ReplayCommandsOptions {
  readonly client: MongoClient;
  readonly runId: string;
  readonly catalog: ReplayCatalog;
  readonly missing: MissingUpdates;
  readonly names: NamespaceMap;
}

/** Carries out the command entries of a window: on the stages what is one collection's, in the catalog the rest. */
export class ReplayCommands {
  readonly #client: MongoClient;
  readonly #runId: string;
  readonly #catalog: ReplayCatalog;
  readonly #missing: MissingUpdates;
  readonly #names: NamespaceMap;

  constructor({ client, runId, catalog, missing, names }: ReplayCommandsOptions) {
    this.#client = client;
    this.#runId = runId;
    this.#catalog = catalog;
    this.#missing = missing;
    this.#names = names;
  }

  /** Whether an entry has anything to do with what is restored. */
  concerns({ namespace, o }: OplogOperation): boolean {
    const { database } = splitNamespace(namespace);
    const { command, target } = commandOf(o);
    if (command === 'renameCollection') return this.#renamesRestored(o, target);
    if (!isIncludedDatabase(database)) return false;
    if (ignored.includes(command)) return false;
    if (command === 'dropDatabase') return true;
    if (target === 'system.views' || target === '') return true;
    const source = seriesOf(`${database}.${target}`);
    return (
      isDumpedCollection(database, splitNamespace(source).collection) && this.#isChosen(source)
    );
  }

  #isChosen(source: string): boolean {
    return this.#names.target(source) !== undefined;
  }

  #renamesRestored(o: Buffer, from: string): boolean {
    const to = findElement(o, 'to');
    const names = [from, to === undefined ? '' : o.toString('utf8', to.valueStart + 4, to.end - 1)];
    return names.some((name) => {
      const { database, collection } = splitNamespace(name);
      return isDumpedCollection(database, collection) && this.#isChosen(name);
    });
  }

  /** @throws HoldfastError HF-REPLAY-001 for a command that can't be replayed; HF-MONGO-004 */
  async apply({ namespace, o, position }: OplogOperation): Promise<void> {
    const { database } = splitNamespace(namespace);
    const { command, target } = commandOf(o);
    const full = `${database}.${target}`;
    const source = seriesOf(full);
    const isSeries = source !== full;
    const restored = this.#names.target(source) ?? source;
    if (command === 'drop' && target !== 'system.views') {
      this.#drop(full);
    } else if (command === 'dropDatabase') {
      const names = [
        ...this.#catalog.collectionsOf(database),
        ...this.#missing.namespacesOf(database),
      ];
      for (const name of names) this.#drop(name);
      this.#catalog.dropViews(database);
    } else if (target === 'system.views') {
      if (command === 'drop') this.#catalog.dropViews(database);
    } else if (command === 'create') {
      const stage = isSeries
        ? this.#catalog.createSeries(restored, o)
        : this.#catalog.create(restored, o);
      await createStage(this.#client, this.#runId, stage);
    } else if (indexCommands.includes(command)) {
      this.#mustBeKnown(full);
      // The entry has the index of the buckets, not that of the series.
      if (isSeries && this.#catalog.stage(restored) !== undefined) {
        throw notReplayable(position, command, `an index of the time series ${source} was changed`);
      }
      this.#catalog.changeIndexes(restored, command, o);
    } else if (command === 'collMod') {
      this.#mustBeKnown(full);
      await this.#modify(restored, o, position);
    } else {
      const what = command === 'renameCollection' ? target : full;
      throw notReplayable(position, command, `${what} can't be followed through it`);
    }
  }

  #drop(namespace: string): void {
    const source = seriesOf(namespace);
    this.#catalog.drop(this.#names.target(source) ?? source);
    this.#missing.dropped(namespace);
  }

  #mustBeKnown(source: string): void {
    const plain = seriesOf(source);
    const known = this.#catalog.stage(this.#names.target(plain) ?? plain);
    if (known === undefined) this.#missing.unknown(source);
  }

  async #modify(namespace: string, o: Buffer, position: string): Promise<void> {
    const stage = this.#catalog.stage(namespace);
    if (stage === undefined) return;
    const options: RawElement[] = [];
    for (const element of rawElements(o)) {
      const { name, type } = element;
      if (name === 'collMod' || generic.includes(name)) continue;
      if (name === 'index' && type === bsonType.document) {
        this.#catalog.modifyIndex(namespace, elementValue(o, element));
      } else if (name === 'expireAfterSeconds') {
        const isNumber = numberValue(o, element) !== undefined;
        const bytes = isNumber ? elementBytes(o, element) : undefined;
        this.#catalog.modifyTtl(namespace, bytes);
      } else if (modifiableOptions[name] !== undefined) {
        options.push(element);
      } else {
        throw notReplayable(position, 'collMod', `its field ${name} is not known`);
      }
    }
    if (options.length === 0) return;
    const fields: Record<string, unknown> = {};
    for (const element of options) {
      const { name, type } = element;
      const value = elementValue(o, element);
      Object.assign(fields, rawField(name, type, value));
      this.#catalog.setOption(namespace, modifiableOptions[name] ?? name, type, value);
    }
    await explained(this.#client, 'collMod', `${stage.database}.${stage.stage}`, () =>
      this.#client.db(stage.database).command({
        collMod: stage.stage,
        ...fields,
        writeConcern: { w: 'majority', wtimeout: 60_000 },
      }),
    );
  }
}
