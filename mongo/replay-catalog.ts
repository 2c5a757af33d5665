import { bsonType, elementValue, findElement, rawElements, stringValue } from './bson-frames';
import { createdIndexes, withIndex, withModifiedIndex, withoutIndex } from './index-changes';
import { sameNames, type NamespaceMap } from '../core/namespace-selection';
import { bucketsPrefix, splitNamespace } from './namespaces';
import {
  elementBytes,
  mapElements,
  rawDocument,
  rawElement,
  withoutElements,
} from './raw-document';
import {
  createOptions,
  fromPlan,
  stageName,
  type StagedCollection,
  type StagedView,
  type StagePlan,
} from './stage-plan';

/** Collections and views as the oplog has left them so far, by the names they will have. */
export class ReplayCatalog {
  readonly #live = new Map<string, StagedCollection>();
  readonly #dropped: StagedCollection[] = [];
  readonly #views = new Map<string, StagedView>();
  readonly #names: NamespaceMap;
  #next: number;

  constructor(plan: StagePlan, names: NamespaceMap = sameNames) {
    this.#names = names;
    for (const collection of plan.collections) {
      this.#live.set(`${collection.database}.${collection.name}`, collection);
    }
    for (const view of plan.views) this.#views.set(`${view.database}.${view.name}`, view);
    this.#next = plan.nextNumber;
  }

  /** The plan as it is now. */
  plan(): StagePlan {
    const collections = [...this.#live.values(), ...this.#dropped].toSorted((a, b) => a.n - b.n);
    return { v: 1, nextNumber: this.#next, collections, views: [...this.#views.values()] };
  }

  stage(namespace: string): StagedCollection | undefined {
    return this.#live.get(namespace);
  }

  /** A collection made by a `create` entry; one of that name that the dump held goes with its documents. */
  create(namespace: string, o: Buffer): StagedCollection {
    const { options, ttl, capped, clustered } = createOptions(withoutElements(o, ['create']));
    const found = findElement(o, 'idIndex');
    const idIndex = found?.type === bsonType.document ? elementValue(o, found) : undefined;
    return this.#add(namespace, {
      options,
      ttl,
      capped,
      idIndex: clustered || idIndex === undefined ? undefined : withoutElements(idIndex, ['ns']),
    });
  }

  /** A time series, of the entry that made its buckets. */
  createSeries(namespace: string, o: Buffer): StagedCollection {
    const { options, ttl } = createOptions(
      withoutElements(o, ['create', 'validator', 'clusteredIndex']),
    );
    const stage = `${bucketsPrefix}${splitNamespace(namespace).collection}`;
    return this.#add(namespace, { options, ttl, capped: false, stage });
  }

  #add(
    namespace: string,
    made: {
      options: Buffer;
      ttl: Buffer | undefined;
      capped: boolean;
      idIndex?: Buffer | undefined;
      stage?: string;
    },
  ): StagedCollection {
    this.drop(namespace);
    const { database, collection: name } = splitNamespace(namespace);
    const n = this.#next++;
    const collection: StagedCollection = {
      n,
      database,
      name,
      stage: made.stage ?? stageName(n),
      series: made.stage !== undefined,
      documents: 0,
      bytes: 0,
      options: made.options.toString('base64'),
      idIndex: made.idIndex?.toString('base64') ?? null,
      capped: made.capped,
      ttl: made.ttl?.toString('base64') ?? null,
      indexes: [],
      fromWindow: true,
      dropped: false,
    };
    this.#live.set(namespace, collection);
    return collection;
  }

  drop(namespace: string): void {
    const collection = this.#live.get(namespace);
    if (collection === undefined) return;
    this.#live.delete(namespace);
    this.#dropped.push({ ...collection, dropped: true });
  }

  /** Names, in the oplog, of the collections of a database of the oplog. */
  collectionsOf(database: string): string[] {
    return [...this.#live.keys()]
      .map((namespace) => this.#names.source(namespace))
      .filter((source) => splitNamespace(source).database === database);
  }

  /** @param database of the oplog */
  dropViews(database: string): void {
    for (const namespace of this.#views.keys()) {
      const source = this.#names.source(namespace);
      if (splitNamespace(source).database === database) this.#views.delete(namespace);
    }
  }

  /** A createIndexes, commitIndexBuild, dropIndexes or deleteIndexes entry. */
  changeIndexes(namespace: string, command: string, o: Buffer): void {
    const collection = this.#live.get(namespace);
    if (collection === undefined) return;
    const collation = findElement(fromPlan(collection.options), 'collation') !== undefined;
    const indexes =
      command === 'createIndexes' || command === 'commitIndexBuild'
        ? createdIndexes(o, command).reduce(
            (list, spec) => withIndex(list, spec, collation),
            [...collection.indexes],
          )
        : withoutIndex(collection.indexes, o);
    this.#live.set(namespace, { ...collection, indexes });
  }

  /** The `index` document of a collMod entry. */
  modifyIndex(namespace: string, change: Buffer): void {
    const collection = this.#live.get(namespace);
    if (collection === undefined) return;
    const indexes = withModifiedIndex(collection.indexes, change);
    this.#live.set(namespace, { ...collection, indexes });
  }

  /** The seconds of a clustered collection, an element; undefined switches them off. */
  modifyTtl(namespace: string, element: Buffer | undefined): void {
    const collection = this.#live.get(namespace);
    if (collection === undefined) return;
    this.#live.set(namespace, { ...collection, ttl: element?.toString('base64') ?? null });
  }

  /** An option that collMod has set, as listCollections will show it; an empty validator is none. */
  setOption(namespace: string, name: string, type: number, value: Buffer): void {
    const collection = this.#live.get(namespace);
    if (collection === undefined) return;
    const options = fromPlan(collection.options);
    const none = name === 'validator' && value.length <= 5;
    const element = rawElement(type, name, value);
    const had = findElement(options, name) !== undefined;
    const changed = mapElements(options, (old, bytes) => {
      if (old.name !== name) return bytes;
      return none ? undefined : element;
    });
    const elements = [...rawElements(changed)].map((old) => elementBytes(changed, old));
    const next = had || none ? changed : rawDocument([...elements, element]);
    this.#live.set(namespace, { ...collection, options: next.toString('base64') });
  }

  /** A document of `system.views`, whose `_id` is the view's full name. */
  setView(document: Buffer): void {
    const id = stringValue(document, findElement(document, '_id')) ?? '';
    const target = this.#names.target(id);
    if (target === undefined || findElement(document, 'timeseries') !== undefined) return;
    const { database, collection } = splitNamespace(target);
    const definition = withoutElements(document, ['_id']).toString('base64');
    this.#views.set(target, { database, name: collection, definition });
  }

  dropView(document: Buffer): void {
    const target = this.#names.target(stringValue(document, findElement(document, '_id')) ?? '');
    if (target !== undefined) this.#views.delete(target);
  }
}
