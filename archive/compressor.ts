import { gzip } from 'node:zlib';
import pLimit, { type LimitFunction } from 'p-limit';
import { isIncompressible } from './incompressible';
import { Igzip, IgzipFailed } from './igzip';

const smallestChunk = 16 * 1024;
const operatingSystemByte = 9;
const unknownSystem = 255;

/** Content for which a child is not worth its start, bytes. */
const smallestForChild = 128 * 1024;

/** Programs that make gzip members: zlib in this process, or Intel's `igzip` as a child. */
export const compressorPrograms = ['zlib', 'igzip'] as const;
export type CompressorProgram = (typeof compressorPrograms)[number];

/** What makes gzip members, off the main thread. */
export interface Compressor {
  /**
   * Compresses `content` into one gzip member (RFC 1952): no name, no time, the operating system
   * left unknown, so the same content, program and level give the same bytes everywhere. `content`
   * must stay as it is until then.
   */
  compress(content: Buffer): Promise<Buffer>;
  /** Ends its children, if it has any, once the members it makes are made. */
  close(): Promise<void>;
}

/** How members are made. */
export interface Compression {
  readonly program: CompressorProgram;
  /** 0 to 9, of igzip 0 to 3. */
  readonly level: number;
  /** Members made at a time, others wait: each takes memory besides its content. 4 when absent. */
  readonly atOnce?: number;
  /** Path of igzip; the one in PATH when absent. */
  readonly igzip?: string;
}

/**
 * The compressor of a program and level. Where `igzip` cannot be run zlib does its work: a backup
 * must not fail for want of speed.
 * @param onFallback told once, with the reason, when zlib takes over
 */
export function compressorOf(
  { program, level, atOnce = 4, igzip = 'igzip' }: Compression,
  onFallback: (reason: string) => void,
): Compressor {
  switch (program) {
    case 'zlib':
      return new Zlib(level, atOnce);
    case 'igzip':
      return new IgzipOrZlib(() => Igzip.start(igzip, level), { level, atOnce }, onFallback);
  }
}

class Zlib implements Compressor {
  readonly #level: number;
  readonly #limit: LimitFunction;

  constructor(level: number, atOnce: number) {
    this.#level = level;
    this.#limit = pLimit(atOnce);
  }

  compress(content: Buffer): Promise<Buffer> {
    return this.#limit(() => zlibMember(content, this.#level));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

class IgzipOrZlib implements Compressor {
  readonly #start: () => Promise<Igzip>;
  readonly #level: number;
  readonly #limit: LimitFunction;
  readonly #onFallback: (reason: string) => void;
  /** Those that have nothing to do; at most as many as members are made at once. */
  readonly #idle: Igzip[] = [];
  readonly #running = new Set<Promise<Buffer>>();
  #failed = false;

  constructor(
    start: () => Promise<Igzip>,
    { level, atOnce }: { readonly level: number; readonly atOnce: number },
    onFallback: (reason: string) => void,
  ) {
    this.#start = start;
    this.#level = level;
    this.#limit = pLimit(atOnce);
    this.#onFallback = onFallback;
  }

  compress(content: Buffer): Promise<Buffer> {
    const member = this.#limit(() => this.#member(content));
    const running = member.finally(() => this.#running.delete(running));
    this.#running.add(running);
    return running;
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#running);
    await Promise.all(this.#idle.splice(0).map((igzip) => igzip.close()));
  }

  async #member(content: Buffer): Promise<Buffer> {
    const small = content.length < smallestForChild;
    if (this.#failed || small || isIncompressible(content)) return zlibMember(content, this.#level);
    try {
      return anonymous(await this.#byIgzip(content));
    } catch (error) {
      if (!(error instanceof IgzipFailed)) throw error;
      if (!this.#failed) this.#onFallback(error.message);
      this.#failed = true;
      return zlibMember(content, this.#level);
    }
  }

  async #byIgzip(content: Buffer): Promise<Buffer> {
    const igzip = this.#idle.pop() ?? (await this.#start());
    try {
      const member = await igzip.member(content);
      this.#idle.push(igzip);
      return member;
    } catch (error) {
      await igzip.close();
      throw error;
    }
  }
}

function anonymous(stored: Buffer): Buffer {
  stored[operatingSystemByte] = unknownSystem;
  return stored;
}

/**
 * One gzip member by zlib on the thread pool; see Compressor. What cannot be compressed is stored.
 * @param level 0 to 9
 */
export function zlibMember(content: Buffer, level: number): Promise<Buffer> {
  const stored = level === 0 || isIncompressible(content);
  // Mostly one chunk is enough then: pieces would have to be put together in more memory.
  const enough = stored ? content.length * 1.001 : content.length / 2;
  const chunkSize = Math.max(smallestChunk, Math.ceil(enough));
  // The largest tables: a tenth faster than zlib's own default, for the same size.
  return new Promise((resolve, reject) => {
    gzip(content, { level: stored ? 0 : level, memLevel: 9, chunkSize }, (error, member) => {
      if (error === null) resolve(anonymous(member));
      else reject(error);
    });
  });
}
