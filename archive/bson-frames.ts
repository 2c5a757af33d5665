/** Smallest BSON document: its length and the NUL that ends it. */
const smallestDocument = 5;

/** Largest BSON document a mongod writes or an oplog holds, bytes: 16 MiB and 16 KiB. */
const largestDocument = 16 * 1024 * 1024 + 16 * 1024;

/** Something in a stream of BSON that is no document; the message says what and where. */
export class FrameDamage extends Error {
  override readonly name = 'FrameDamage';
}

/**
 * Counts the documents of a `.bson` file as it streams by, and proves its frames: each begins with
 * its length (5 bytes to 16 MiB + 16 KiB, little-endian) and ends with a NUL. What lies between is
 * not looked at. Memory does not grow.
 */
export class BsonFrames {
  readonly #largest: number;
  readonly #head = Buffer.alloc(4);
  #headBytes = 0;
  #left = 0;
  #documents = 0;
  #position = 0;

  /** @param largest of its documents, bytes; that of an oplog's by default */
  constructor(largest = largestDocument) {
    this.#largest = largest;
  }

  /** @throws FrameDamage */
  update(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) at = this.#left > 0 ? this.#body(chunk, at) : this.#length(chunk, at);
    this.#position += chunk.length;
  }

  /** Documents in all. @throws FrameDamage when the last one is cut off. */
  finish(): number {
    if (this.#left > 0 || this.#headBytes > 0) {
      throw new FrameDamage(`the last of ${this.#documents + 1} documents is cut off`);
    }
    return this.#documents;
  }

  #length(chunk: Buffer, at: number): number {
    const copied = chunk.copy(this.#head, this.#headBytes, at);
    this.#headBytes += copied;
    if (this.#headBytes < 4) return at + copied;
    const length = this.#head.readInt32LE(0);
    if (length < smallestDocument || length > this.#largest) {
      const where = this.#position + at + copied - 4;
      throw new FrameDamage(`document ${this.#documents} at byte ${where} claims ${length} bytes`);
    }
    this.#headBytes = 0;
    this.#left = length - 4;
    return at + copied;
  }

  #body(chunk: Buffer, at: number): number {
    const taken = Math.min(this.#left, chunk.length - at);
    this.#left -= taken;
    if (this.#left > 0) return at + taken;
    if (chunk[at + taken - 1] !== 0) {
      throw new FrameDamage(`document ${this.#documents} does not end with a NUL`);
    }
    this.#documents += 1;
    return at + taken;
  }
}
