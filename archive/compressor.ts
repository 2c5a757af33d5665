import { gzip } from 'node:zlib';
import pLimit from 'p-limit';
import { isIncompressible } from './incompressible';
import { igzipMember, IgzipFailed } from './igzip';

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
  compression: Compression,
  onFallback: (reason: string) => void,
): Compressor {
  const compressor = unlimitedCompressor(compression, onFallback);
  const limit = pLimit(compression.atOnce ?? 4);
  return { compress: (content) => limit(() => compressor.compress(content)) };
}

function unlimitedCompressor(
  { program, level, igzip = 'igzip' }: Compression,
  onFallback: (reason: string) => void,
): Compressor {
  const zlib: Compressor = { compress: (content) => zlibMember(content, level) };
  switch (program) {
    case 'zlib':
      return zlib;
    case 'igzip':
      return new IgzipOrZlib((content) => igzipMember(igzip, content, level), zlib, onFallback);
  }
}

class IgzipOrZlib implements Compressor {
  readonly #igzip: (content: Buffer) => Promise<Buffer>;
  readonly #zlib: Compressor;
  readonly #onFallback: (reason: string) => void;
  #failed = false;

  constructor(
    igzip: (content: Buffer) => Promise<Buffer>,
    zlib: Compressor,
    onFallback: (reason: string) => void,
  ) {
    this.#igzip = igzip;
    this.#zlib = zlib;
    this.#onFallback = onFallback;
  }

  async compress(content: Buffer): Promise<Buffer> {
    if (this.#failed || content.length < smallestForChild) return this.#zlib.compress(content);
    try {
      return anonymous(await this.#igzip(content));
    } catch (error) {
      if (!(error instanceof IgzipFailed)) throw error;
      if (!this.#failed) this.#onFallback(error.message);
      this.#failed = true;
      return this.#zlib.compress(content);
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
  return new Promise((resolve, reject) => {
    gzip(content, { level: stored ? 0 : level, memLevel: 8, chunkSize }, (error, member) => {
      if (error === null) resolve(anonymous(member));
      else reject(error);
    });
  });
}
