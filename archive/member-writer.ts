import type { SpoolMember } from '../core/spool';
import type { Compressor } from './compressor';
import { MemberCompressor, memberContent } from './gzip-members';
import type { MemberSink } from './segment-file';

/** What a MemberWriter needs. */
export interface MemberWriterOptions {
  /** Gets the gzip members in order; making them durable is the caller's. */
  readonly segment: MemberSink;
  readonly compressor: Compressor;
  /** Members being compressed at a time; 2 when absent. */
  readonly inFlight?: number;
  readonly signal?: AbortSignal | undefined;
}

/** A stream of bytes that is cut into gzip members of `memberContent` each, the last one shorter. */
export class MemberWriter {
  readonly members: SpoolMember[] = [];
  readonly #compressor: MemberCompressor;
  #buffer = Buffer.allocUnsafe(memberContent);
  #filled = 0;
  #size = 0;

  constructor(options: MemberWriterOptions) {
    this.#compressor = new MemberCompressor({
      compressor: options.compressor,
      inFlight: options.inFlight ?? 2,
      signal: options.signal,
      onMember: async (member) => {
        this.members.push(await options.segment.append(member));
      },
    });
  }

  /** Bytes written. */
  get size(): number {
    return this.#size;
  }

  async write(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      const copied = bytes.copy(this.#buffer, this.#filled, at);
      at += copied;
      this.#filled += copied;
      this.#size += copied;
      if (this.#filled === memberContent) await this.#cut();
    }
  }

  async finish(): Promise<void> {
    if (this.#filled > 0) await this.#cut();
    await this.#compressor.finish();
  }

  async #cut(): Promise<void> {
    await this.#compressor.add(this.#buffer.subarray(0, this.#filled));
    this.#buffer = Buffer.allocUnsafe(memberContent);
    this.#filled = 0;
  }
}
