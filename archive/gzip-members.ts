import { gunzip } from 'node:zlib';
import type { Compressor } from './compressor';

const smallestChunk = 64;
/** Content that is believed without having been seen, bytes. */
const largestChunk = 16 * 1024 * 1024;
const headerSize = 10;

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
    // One more than there is, so that one chunk holds it all and shows its end.
    const chunkSize = Math.min(largestChunk, Math.max(smallestChunk, content + 1));
    gunzip(stored, { maxOutputLength: Math.max(1, content), chunkSize }, (error, opened) => {
      if (error !== null) fail(`a gzip member cannot be decompressed (${error.message})`, error);
      else if (opened.length !== content) fail('a gzip member does not hold what it should');
      else resolve(opened);
    });
  });
}

/** How a MemberCompressor works. */
export interface MemberCompressorOptions {
  readonly compressor: Compressor;
  /** Members being compressed at a time; memory is about twice their content. */
  readonly inFlight: number;
  /** Gets the members in the order of `add`, one at a time. */
  readonly onMember: (member: CompressedMember) => Promise<void>;
  readonly signal?: AbortSignal | undefined;
}

/** Compresses members in parallel off the main thread and hands them on in order, in bounded memory. */
export class MemberCompressor {
  readonly #options: MemberCompressorOptions;
  readonly #running: Promise<CompressedMember>[] = [];

  constructor(options: MemberCompressorOptions) {
    this.#options = options;
  }

  /** Takes over `content`; resolves when there is room for the next. Calls must not overlap. */
  async add(content: Buffer): Promise<void> {
    this.#options.signal?.throwIfAborted();
    const member = this.#options.compressor.compress(content).then((stored) => ({
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
