import { elementJson } from './canonical-json';
import { findElement, rawElements, type RawElement } from './bson-frames';
import { isTrue } from './raw-document';

/** Options of an index that change what it does; others come from older servers and may be lost. */
const indexOptions = [
  'key',
  'unique',
  'sparse',
  'partialFilterExpression',
  'expireAfterSeconds',
  'collation',
  'hidden',
  'prepareUnique',
  'wildcardProjection',
  'weights',
  'default_language',
  'language_override',
  'textIndexVersion',
  '2dsphereIndexVersion',
  'bits',
  'min',
  'max',
];
/** Those that must not appear by themselves. */
const restricting = ['unique', 'sparse', 'partialFilterExpression', 'expireAfterSeconds', 'hidden'];

/** A difference between what was asked for and what mongod has, as JSON. */
export interface SpecDifference {
  readonly what: string;
  readonly found: string;
  readonly expected: string;
}

/** JSON in which the numeric types can't be told apart: mongod changes them on its way. */
function loose(document: Buffer, element: RawElement | undefined): string {
  if (element === undefined) return 'none';
  return elementJson(document, element).replace(
    /\{"\$number(?:Int|Long|Double)":"(-?\d+)(?:\.0)?"\}/g,
    '$1',
  );
}

function isSimpleCollation(name: string, json: string): boolean {
  return name === 'collation' && json === '{"locale":"simple"}';
}

/** What collMod writes out where create leaves it unsaid. */
const defaults: Readonly<Record<string, string>> = {
  validationLevel: '"strict"',
  validationAction: '"error"',
};

function compare(
  planned: Buffer,
  made: Buffer,
  names: readonly string[],
): SpecDifference | undefined {
  for (const name of names) {
    const expected = loose(planned, findElement(planned, name));
    const found = loose(made, findElement(made, name));
    const unsaid = [expected, found].map((json) => (json === 'none' ? defaults[name] : json));
    if (unsaid[0] !== unsaid[1] && expected !== found && !isSimpleCollation(name, expected)) {
      return { what: name, found, expected };
    }
  }
  return undefined;
}

/** The first difference between a planned index, parked as it was built, and what listIndexes gives. */
export function indexDifference(planned: Buffer, made: Buffer): SpecDifference | undefined {
  const present = [...rawElements(planned)].map(({ name }) => name);
  const asked = indexOptions.filter((name) => present.includes(name));
  const extra = restricting.filter(
    (name) => !present.includes(name) && isTrue(made, findElement(made, name)),
  );
  return compare(planned, made, [...asked, ...extra]);
}

/** The first difference between planned options and those that listCollections gives. */
export function optionDifference(planned: Buffer, made: Buffer): SpecDifference | undefined {
  const names = new Set([...rawElements(planned), ...rawElements(made)].map(({ name }) => name));
  return compare(planned, made, [...names]);
}
