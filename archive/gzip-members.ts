import { gunzip, gzip } from 'node:zlib';

const outputChunk = 1024 * 1024;
const smallestChunk = 64;
const headerSize = 10;
const operatingSystemByte = 9;
const unknownSystem = 255;

/** Content of a gzip member as Holdfast cuts it, bytes. */
export const memberContent = 4 * 1024 * 1024;

/** A gzip member that is not what it should be; the message says how. */
export class MemberDamage extends Error {
  override readonly name = 'MemberDamage';
}

/** A gzip member just made: its bytes and the length of what it holds. */
export interface CompressedMember {
  readonly stored: Buffer;
  /** Bytes before compression. */
  readonly content: number;
}

/**
 * Compresses `content` into one gzip member (RFC 1952) on the thread pool: no name, no time, the
 * operating system left unknown, so the same content and level give the same bytes everywhere.
 * @param level zlib's level, 0 to 9.
 */
export function compressMember(content: Buffer, level: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    gzip(content, { level, memLevel: 8, chunkSize: outputChunk }, (error, stored) => {
      if (error !== null) {
        reject(error);
        return;
      }
      stored[operatingSystemByte] = unknownSystem;
      resolve(stored);
    });
  });
}

/**
 * Decompresses one gzip member that must hold exactly `content` bytes; never allocates more than that.
 * @throws MemberDamage whose message says what is wrong with it.
 */
export function openMember(stored: Buffer, content: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const fail = (reason: string, cause?: unknown): void => {
      reject(new MemberDamage(reason, { cause }));
    };
    if (stored.length < headerSize + 8) {
      fail('a gzip member is too short');
      return;
    }
    // The member ends with the length of its content: more than one member, or bytes behind it, don't.
    if (stored.readUInt32LE(stored.length - 4) !== content % 2 ** 32) {
      fail('a gzip member does not hold what it should');
      return;
    }
    const chunkSize = Math.min(outputChunk, Math.max(smallestChunk, content));
    gunzip(stored, { maxOutputLength: Math.max(1, content), chunkSize }, (error, opened) => {
      if (error !== null) fail(`a gzip member cannot be decompressed (${error.message})`, error);
      else if (opened.length !== content) fail('a gzip member does not hold what it should');
      else resolve(opened);
    });
  });
}

/** How a MemberCompressor works. */
export interface MemberCompressorOptions {
  /** zlib's level, 0 to 9. */
  readonly level: number;
  /** Members being compressed at a time; memory is about twice their content. */
  readonly inFlight: number;
  /** Gets the members in the order of `add`, one at a time. */
  readonly onMember: (member: CompressedMember) => Promise<void>;
  readonly signal?: AbortSignal | undefined;
}

/** Compresses members in parallel on the thread pool and hands them on in order, in bounded memory. */
export class MemberCompressor {
  readonly #options: MemberCompressorOptions;
  readonly #running: Promise<CompressedMember>[] = [];

  constructor(options: MemberCompressorOptions) {
    this.#options = options;
  }

  /** Takes over `content`; resolves when there is room for the next. Calls must not overlap. */
  async add(content: Buffer): Promise<void> {
    this.#options.signal?.throwIfAborted();
    const member = compressMember(content, this.#options.level).then((stored) => ({
      stored,
      content: content.length,
    }));
    // A failure is thrown in its turn; until then it must not count as unhandled.
    member.catch(() => undefined);
    this.#running.push(member);
    if (this.#running.length >= this.#options.inFlight) await this.#handOn();
  }

  /** Resolves when every member has been handed on. */
  async finish(): Promise<void> {
    while (this.#running.length > 0) {
      this.#options.signal?.throwIfAborted();
      await this.#handOn();
    }
  }

  async #handOn(): Promise<void> {
    const first = this.#running.shift();
    if (first !== undefined) await this.#options.onMember(await first);
  }
}
