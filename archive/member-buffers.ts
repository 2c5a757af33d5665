/** Memory in which one gzip member's content is gathered. */
export interface MemberBuffer {
  readonly bytes: Buffer;
  /** Buffers of the pool that it stands for. */
  readonly places: number;
}

interface Waiting {
  readonly bytes: number;
  readonly places: number;
  readonly resolve: (buffer: MemberBuffer) => void;
}

/**
 * A fixed number of equal buffers that are used again and again, so that the memory of a pass does
 * not depend on how fast garbage is collected. Whoever asks while all are taken waits in turn.
 */
export class MemberBuffers {
  readonly #size: number;
  readonly #free: Buffer[] = [];
  readonly #most: number;
  readonly #waiting: Waiting[] = [];
  #places: number;

  /**
   * @param count buffers there are at most; made when they are first needed
   * @param size of each, bytes
   */
  constructor(count: number, size: number) {
    this.#places = count;
    this.#size = size;
    // The rest stays for those who gather: one huge request must not wait for all of them.
    this.#most = Math.max(1, Math.floor(count / 3));
  }

  /** Memory for at least `bytes`; more than a buffer's size stands for several, at most for a third of all. */
  take(bytes: number): Promise<MemberBuffer> {
    const places = Math.min(this.#most, Math.max(1, Math.ceil(bytes / this.#size)));
    return new Promise((resolve) => {
      this.#waiting.push({ bytes, places, resolve });
      this.#serve();
    });
  }

  /** Gives a buffer back, once. */
  release({ bytes, places }: MemberBuffer): void {
    this.#places += places;
    if (bytes.length === this.#size) this.#free.push(bytes);
    this.#serve();
  }

  #serve(): void {
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      if (first.places > this.#places) return;
      this.#waiting.shift();
      this.#places -= first.places;
      first.resolve({ bytes: this.#buffer(first), places: first.places });
    }
  }

  #buffer({ bytes, places }: Waiting): Buffer {
    if (bytes <= this.#size) return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#size);
    this.#free.splice(0, places);
    return Buffer.allocUnsafeSlow(bytes);
  }
}
