import { ObjectId } from 'bson';

const objectIdType = 0x07;

/**
 * A value of a command that writes its own bytes: the driver's serialiser calls `serializeInto` of
 * every ObjectId with the buffer that it fills, after the element's type and name; this one puts
 * its own type there and its own bytes behind. So commands carry BSON that was never decoded:
 * duplicate keys, integer-like keys, NaN payloads and deprecated types stay as they are.
 *
 * It relies on bson 7's serialiser; test/mongo/raw-command.test.ts fails when that changes.
 */
export class RawValue extends ObjectId {
  readonly #name: Buffer;
  readonly #type: number;
  readonly #value: Uint8Array;

  /**
   * @param name the field that will hold the value
   * @param type BSON element type
   * @param value the value's bytes as bsonspec.org lays them out
   */
  constructor(name: string, type: number, value: Uint8Array) {
    super('000000000000000000000000');
    this.#name = Buffer.from(name);
    this.#type = type;
    this.#value = value;
  }

  /** Called by the serialiser; gives the bytes written. */
  serializeInto(buffer: Uint8Array, index: number): number {
    const nameStart = index - 1 - this.#name.length;
    const written = Buffer.from(buffer.buffer, buffer.byteOffset + nameStart, this.#name.length);
    if (buffer[nameStart - 1] !== objectIdType || !written.equals(this.#name)) {
      throw new TypeError(`raw value of ${this.#name.toString()} is serialised in another place`);
    }
    buffer[nameStart - 1] = this.#type;
    buffer.set(this.#value, index);
    return this.#value.length;
  }
}

/** `{[name]: value}` for a command, the value being raw BSON of that element type. */
export function rawField(name: string, type: number, value: Uint8Array): Record<string, RawValue> {
  return { [name]: new RawValue(name, type, value) };
}
