import { bsonType, elementValue, findElement, rawElements, stringValue } from './bson-frames';
import {
  elementBytes,
  int32Element,
  isTrue,
  mapElements,
  numberValue,
  rawDocument,
  rawElement,
  stringElement,
} from './raw-document';

/** An index to be built once its collection is loaded. */
export interface PlannedIndex {
  readonly name: string;
  /** Its specification with the true values: raw BSON in base64. */
  readonly spec: string;
  /** Whether documents expire by it: it is built with {@link parkedTtlSeconds}. */
  readonly ttl: boolean;
}

/**
 * Seconds that a TTL index has until the swap is done: nothing expires before 2023 + 53 years.
 * mongod 4.4 refuses anything larger than the seconds since 1970, so 2147483647 is none.
 */
export const parkedTtlSeconds = 1_700_000_000;

/** Whether a specification is the `_id` index that every collection has; a hashed one is not. */
export function isIdIndex(spec: Buffer): boolean {
  if (isTrue(spec, findElement(spec, 'clustered'))) return true;
  const key = findElement(spec, 'key');
  if (key?.type !== bsonType.document) return false;
  const parts = [...rawElements(spec, key.valueStart)];
  const [only] = parts;
  if (parts.length !== 1 || only?.name !== '_id') return false;
  return only.type !== bsonType.string;
}

const simpleCollation = rawElement(
  bsonType.document,
  'collation',
  rawDocument([stringElement('locale', 'simple')]),
);

/**
 * A specification as createIndexes takes it so that listIndexes gives the same again: without
 * `ns`; versions 1 and 2 are kept, others left to mongod; on a collection with a default collation
 * an index without one gets `simple`, else it would inherit.
 */
export function plannedIndex(spec: Buffer, hasDefaultCollation: boolean): PlannedIndex {
  const kept = [...rawElements(spec)].flatMap((element) => {
    if (element.name === 'ns') return [];
    const version = element.name === 'v' ? numberValue(spec, element) : 1;
    return version === 1 || version === 2 ? [elementBytes(spec, element)] : [];
  });
  if (hasDefaultCollation && findElement(spec, 'collation') === undefined) {
    kept.push(simpleCollation);
  }
  return {
    name: stringValue(spec, findElement(spec, 'name')) ?? '',
    spec: rawDocument(kept).toString('base64'),
    ttl: findElement(spec, 'expireAfterSeconds') !== undefined,
  };
}

/** Splits listIndexes' documents into the `_id` index and those to be built after the load. */
export function plannedIndexes(
  specs: readonly Buffer[],
  collectionOptions: Buffer,
): { idIndex: Buffer | undefined; indexes: PlannedIndex[] } {
  const collation = findElement(collectionOptions, 'collation') !== undefined;
  const id = specs.find(isIdIndex);
  return {
    idIndex:
      id === undefined
        ? undefined
        : mapElements(id, ({ name }, b) => (name === 'ns' ? undefined : b)),
    indexes: specs.filter((spec) => !isIdIndex(spec)).map((spec) => plannedIndex(spec, collation)),
  };
}

/** The specification to build: a TTL index gets {@link parkedTtlSeconds} in place of its own value. */
export function parkedSpec({ spec }: PlannedIndex): Buffer {
  return mapElements(Buffer.from(spec, 'base64'), ({ name }, bytes) =>
    name === 'expireAfterSeconds' ? int32Element(name, parkedTtlSeconds) : bytes,
  );
}

/** The key of a specification, as bytes. */
export function indexKey(spec: Buffer): Buffer | undefined {
  const key = findElement(spec, 'key');
  return key === undefined ? undefined : elementValue(spec, key);
}
