import { bsonType, rawElements, type RawElement } from './bson-frames';

const emptyLength = 5;

/** One element as bytes: type, name, value (bsonspec.org). */
export function rawElement(type: number, name: string, value: Buffer): Buffer {
  const nameBytes = Buffer.byteLength(name);
  const element = Buffer.allocUnsafe(2 + nameBytes + value.length);
  element[0] = type;
  element.write(name, 1);
  element[1 + nameBytes] = 0;
  value.copy(element, 2 + nameBytes);
  return element;
}

/** An element that holds a UTF-8 string. */
export function stringElement(name: string, text: string): Buffer {
  const value = Buffer.alloc(5 + Buffer.byteLength(text));
  value.writeInt32LE(value.length - 4, 0);
  value.write(text, 4);
  return rawElement(bsonType.string, name, value);
}

/** An element that holds an int32. */
export function int32Element(name: string, number: number): Buffer {
  const value = Buffer.alloc(4);
  value.writeInt32LE(number, 0);
  return rawElement(bsonType.int32, name, value);
}

/** A document, or an array, of the given elements in their order; nothing is checked. */
export function rawDocument(elements: readonly Buffer[]): Buffer {
  const length = elements.reduce((sum, element) => sum + element.length, emptyLength);
  const document = Buffer.allocUnsafe(length);
  document.writeInt32LE(length, 0);
  let at = 4;
  for (const element of elements) at += element.copy(document, at);
  document[at] = 0;
  return document;
}

/** A BSON array of the given documents. */
export function rawArray(documents: readonly Buffer[]): Buffer {
  return rawDocument(
    documents.map((document, index) => rawElement(bsonType.document, String(index), document)),
  );
}

/** The bytes of a whole element: type, name and value, as a view. */
export function elementBytes(document: Buffer, element: RawElement): Buffer {
  return document.subarray(element.start, element.end);
}

/**
 * The document with each element replaced by what `change` gives for it: other bytes, the same
 * bytes, or undefined to leave it out. Order is kept.
 */
export function mapElements(
  document: Buffer,
  change: (element: RawElement, bytes: Buffer) => Buffer | undefined,
): Buffer {
  const kept: Buffer[] = [];
  for (const element of rawElements(document)) {
    const bytes = change(element, elementBytes(document, element));
    if (bytes !== undefined) kept.push(bytes);
  }
  return rawDocument(kept);
}

/** The document without the elements of these names. */
export function withoutElements(document: Buffer, names: readonly string[]): Buffer {
  return mapElements(document, ({ name }, bytes) => (names.includes(name) ? undefined : bytes));
}

/** Value of a numeric element (int32, int64, double); undefined for every other type. */
export function numberValue(document: Buffer, element: RawElement): number | undefined {
  switch (element.type) {
    case bsonType.int32:
      return document.readInt32LE(element.valueStart);
    case bsonType.int64:
      return Number(document.readBigInt64LE(element.valueStart));
    case bsonType.double:
      return document.readDoubleLE(element.valueStart);
    default:
      return undefined;
  }
}

/** Whether an element says yes, as mongod understands it: true, or a number that is not 0. */
export function isTrue(document: Buffer, element: RawElement | undefined): boolean {
  if (element === undefined) return false;
  if (element.type === bsonType.boolean) return document[element.valueStart] === 1;
  return (numberValue(document, element) ?? 0) !== 0;
}
