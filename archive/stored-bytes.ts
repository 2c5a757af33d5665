import { createHash } from 'node:crypto';
import { MemberDamage } from './gzip-members';

/** Reads a stream of stored bytes in pieces of given lengths, in the order of the calls, and digests it. */
export class StoredBytes {
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #signal: AbortSignal | undefined;
  readonly #sha256 = createHash('sha256');
  readonly #sha1 = createHash('sha1');
  #pending: Buffer = Buffer.alloc(0);
  #position = 0;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(source: AsyncIterable<Uint8Array>, signal: AbortSignal | undefined) {
    this.#source = source[Symbol.asyncIterator]();
    this.#signal = signal;
  }

  /** Bytes given out so far. */
  get taken(): number {
    return this.#position - this.#pending.length;
  }

  /** The next `length` bytes; calls may overlap. @throws MemberDamage when the stream ends before. */
  take(length: number): Promise<Buffer> {
    const taken = this.#turn.then(() => this.#read(length));
    this.#turn = taken.catch(() => undefined);
    return taken;
  }

  /** Size, SHA-256 (hex) and SHA-1 (base64) of the stream, which must have ended. @throws MemberDamage */
  async finish(): Promise<{ size: number; sha256: string; sha1Base64: string }> {
    await this.#turn;
    if (this.#pending.length === 0) this.#pending = (await this.#next()) ?? this.#pending;
    if (this.#pending.length > 0) throw new MemberDamage('bytes follow the last gzip member');
    const sums = { sha256: this.#sha256.digest('hex'), sha1Base64: this.#sha1.digest('base64') };
    return { size: this.#position, ...sums };
  }

  /** Lets the stream go. */
  async close(): Promise<void> {
    await this.#turn;
    await this.#source.return?.();
  }

  async #read(length: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    let left = length;
    while (left > 0) {
      if (this.#pending.length === 0) {
        const chunk = await this.#next();
        if (chunk === undefined) throw new MemberDamage('the archive ends there');
        this.#pending = chunk;
      }
      const part = this.#pending.subarray(0, left);
      this.#pending = this.#pending.subarray(part.length);
      parts.push(part);
      left -= part.length;
    }
    const [only] = parts;
    return parts.length === 1 && only !== undefined ? only : Buffer.concat(parts);
  }

  async #next(): Promise<Buffer | undefined> {
    for (;;) {
      this.#signal?.throwIfAborted();
      const step = await this.#source.next();
      if (step.done === true) return undefined;
      const { buffer, byteOffset, byteLength } = step.value;
      if (byteLength === 0) continue;
      const chunk = Buffer.from(buffer, byteOffset, byteLength);
      this.#sha256.update(chunk);
      this.#sha1.update(chunk);
      this.#position += chunk.length;
      return chunk;
    }
  }
}
