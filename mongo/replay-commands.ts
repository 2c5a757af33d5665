import type { MongoClient } from 'mongodb';
import { bsonType, elementValue, findElement, rawElements, type RawElement } from './bson-frames';
import type { NamespaceMap } from '../core/namespace-selection';
import { createStage } from './create-stage';
import { explained } from './errors';
import type { MissingUpdates } from './missing-updates';
import {
  bucketsPrefix,
  isDumpedCollection,
  isIncludedDatabase,
  splitNamespace,
} from './namespaces';
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

/** Carries out the command entries of a window: on the stages what is one collection's, in the catalog the rest. */
export class ReplayCommands {
  readonly #client: MongoClient;
  readonly #catalog: ReplayCatalog;
  readonly #missing: MissingUpdates;
  readonly #names: NamespaceMap;

  constructor(
    client: MongoClient,
    catalog: ReplayCatalog,
    missing: MissingUpdates,
    names: NamespaceMap,
  ) {
    this.#names = names;
    this.#client = client;
    this.#catalog = catalog;
    this.#missing = missing;
  }

  /** Whether an entry has anything to do with what is restored. */
  concerns({ namespace, o }: OplogOperation): boolean {
    const { database } = splitNamespace(namespace);
    const { command, target } = commandOf(o);
    if (command === 'renameCollection') return this.#renamesRestored(o, target);
    if (!isIncludedDatabase(database)) return false;
    if (ignored.includes(command)) return false;
    if (command === 'dropDatabase') return true;
    const name = target.startsWith(bucketsPrefix) ? target.slice(bucketsPrefix.length) : target;
    if (target === 'system.views' || target === '') return true;
    return isDumpedCollection(database, name) && this.#isChosen(`${database}.${name}`);
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
    const restored = this.#names.target(full) ?? full;
    if (command === 'drop' && target !== 'system.views') {
      this.#drop(full);
    } else if (target.startsWith(bucketsPrefix)) {
      // Fine for one that is gone before the window ends: no stage of it is needed.
      this.#missing.unknown(full);
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
      const made = splitNamespace(restored);
      await createStage(this.#client, this.#catalog.create(made.database, made.collection, o));
    } else if (indexCommands.includes(command)) {
      this.#mustBeKnown(full);
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
    this.#catalog.drop(this.#names.target(namespace) ?? namespace);
    this.#missing.dropped(namespace);
  }

  #mustBeKnown(source: string): void {
    const known = this.#catalog.stage(this.#names.target(source) ?? source);
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
