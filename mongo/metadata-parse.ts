import { errorText, HoldfastError } from '../core/errors';
import { bsonType, elementValue, findElement, rawElements, stringValue } from './bson-frames';
import type { RawElement } from './bson-frames';
import { extendedJsonToBson } from './extended-json';
import { rawDocument } from './raw-document';

/** A metadata.json as mongodump writes it (mongo-tools, mongodump/metadata_dump.go). */
export interface CollectionMetadata {
  readonly type: 'collection' | 'view' | 'timeseries';
  /** Raw BSON; empty when there are none. */
  readonly options: Buffer;
  /** listIndexes' documents, raw. */
  readonly indexes: readonly Buffer[];
  /** 32 lower hexadecimal digits. */
  readonly uuid: string | undefined;
}

/** The value of an element, which must be of that type. */
function ofType(document: Buffer, element: RawElement, type: 'document' | 'array'): Buffer {
  if (element.type === bsonType[type]) return elementValue(document, element);
  throw new SyntaxError(`${element.name} is no ${type}`);
}

/**
 * Reads a metadata.json. The type follows from the options, as mongorestore has it: `viewOn` makes
 * a view, `timeseries` a time series.
 *
 * @throws HoldfastError HF-ARCHIVE-001 when it can't be read
 */
export function parseMetadata(text: string, namespace: string): CollectionMetadata {
  try {
    const document = extendedJsonToBson(text);
    const found = findElement(document, 'options');
    const options = found === undefined ? rawDocument([]) : ofType(document, found, 'document');
    const list = findElement(document, 'indexes');
    const indexes: Buffer[] = [];
    // Go writes a list that was never made as null.
    if (list !== undefined && list.type !== bsonType.null) {
      const specs = ofType(document, list, 'array');
      for (const spec of rawElements(specs)) {
        const index = ofType(specs, { ...spec, name: `index ${spec.name}` }, 'document');
        if (stringValue(index, findElement(index, 'name')) === undefined) {
          throw new SyntaxError(`index ${spec.name} has no name`);
        }
        indexes.push(index);
      }
    }
    const uuid = stringValue(document, findElement(document, 'uuid'));
    const isView = findElement(options, 'viewOn') !== undefined;
    const isSeries = findElement(options, 'timeseries') !== undefined;
    return {
      type: isSeries ? 'timeseries' : isView ? 'view' : 'collection',
      options,
      indexes,
      uuid,
    };
  } catch (error) {
    throw new HoldfastError(
      'HF-ARCHIVE-001',
      { archive: 'the dump', where: `the metadata of ${namespace}`, reason: errorText(error) },
      { cause: error },
    );
  }
}
