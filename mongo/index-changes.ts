import { bsonType, elementValue, findElement, rawElements, stringValue } from './bson-frames';
import { isIdIndex, plannedIndex, indexKey, type PlannedIndex } from './planned-index';
import { elementBytes, isTrue, mapElements, rawDocument, withoutElements } from './raw-document';

function specOf({ spec }: PlannedIndex): Buffer {
  return Buffer.from(spec, 'base64');
}

/** The list with an index added, or put in the place of the one of its name. */
export function withIndex(
  indexes: readonly PlannedIndex[],
  spec: Buffer,
  hasDefaultCollation: boolean,
): PlannedIndex[] {
  if (isIdIndex(spec)) return [...indexes];
  const added = plannedIndex(spec, hasDefaultCollation);
  if (!indexes.some(({ name }) => name === added.name)) return [...indexes, added];
  return indexes.map((index) => (index.name === added.name ? added : index));
}

/** Specifications that a createIndexes or commitIndexBuild entry makes. */
export function createdIndexes(o: Buffer, command: string): Buffer[] {
  if (command === 'createIndexes') return [withoutElements(o, ['createIndexes'])];
  const list = findElement(o, 'indexes');
  if (list?.type !== bsonType.array) return [];
  return [...rawElements(o, list.valueStart)].map((element) => elementValue(o, element));
}

/** The list after a dropIndexes or deleteIndexes entry: by name, names, key, or `*` for all. */
export function withoutIndex(indexes: readonly PlannedIndex[], o: Buffer): PlannedIndex[] {
  const target = findElement(o, 'index');
  if (target === undefined) return [...indexes];
  if (target.type === bsonType.document) {
    const key = elementValue(o, target);
    return indexes.filter((index) => indexKey(specOf(index))?.equals(key) !== true);
  }
  const names =
    target.type === bsonType.array
      ? [...rawElements(o, target.valueStart)].map((element) => stringValue(o, element))
      : [stringValue(o, target)];
  if (names.includes('*')) return [];
  return indexes.filter(({ name }) => !names.includes(name));
}

/** Options of an index that collMod switches: false takes them away. */
const switches = ['hidden', 'prepareUnique', 'unique'];

/** One specification after the `index` document of a collMod entry. */
function changed(spec: Buffer, change: Buffer): Buffer {
  let result = spec;
  for (const element of rawElements(change)) {
    const { name } = element;
    if (name === 'forceNonUnique') result = withoutElements(result, ['unique']);
    const isSwitch = switches.includes(name);
    if (!isSwitch && name !== 'expireAfterSeconds') continue;
    const bytes = elementBytes(change, element);
    const off = isSwitch && !isTrue(change, element);
    const had = findElement(result, name) !== undefined;
    const kept = mapElements(result, (old, same) => {
      if (old.name === 'prepareUnique' && name === 'unique') return undefined;
      if (old.name !== name) return same;
      return off ? undefined : bytes;
    });
    const elements = [...rawElements(kept)].map((old) => elementBytes(kept, old));
    result = had || off ? kept : rawDocument([...elements, bytes]);
  }
  return result;
}

/** The list after the `index` document of a collMod entry. */
export function withModifiedIndex(
  indexes: readonly PlannedIndex[],
  change: Buffer,
): PlannedIndex[] {
  const name = stringValue(change, findElement(change, 'name'));
  const pattern = findElement(change, 'keyPattern');
  const key = pattern === undefined ? undefined : elementValue(change, pattern);
  return indexes.map((index) => {
    const spec = specOf(index);
    const meant =
      name === undefined
        ? key !== undefined && indexKey(spec)?.equals(key) === true
        : index.name === name;
    return meant ? plannedIndex(changed(spec, change), false) : index;
  });
}
