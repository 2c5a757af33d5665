import { createHash, type Hash } from 'node:crypto';
import { MemberDamage } from './gzip-members';
import type { IndexRange } from './index-line';
import type { TarListing } from './tar-listing';

/** SHA-256 of nothing, hex. */
const emptySha256 = createHash('sha256').digest('hex');

/** A gzip member of an archive, read and decompressed. */
export interface OpenedMember {
  /** Where it begins in the archive, bytes. */
  readonly offset: number;
  readonly stored: Buffer;
  readonly content: Buffer;
  /** SHA-256 of the stored bytes, hex. */
  readonly sha256: string;
}

/** Part of a member's content: bytes of a tar. */
export interface MemberSlice {
  readonly member: OpenedMember;
  readonly from: number;
  readonly to: number;
}

/** Collects the members that some content lies in. */
class RangeBuilder {
  readonly #members: (readonly [number, number])[] = [];
  #first: MemberSlice | undefined;
  #last: OpenedMember | undefined;
  #length = 0;
  #hash: Hash | undefined;

  add(slice: MemberSlice): void {
    const { member } = slice;
    if (this.#last === member) return;
    if (this.#first === undefined) {
      this.#first = slice;
    } else {
      // One member's digest is known; only a range of several needs one of its own.
      this.#hash ??= createHash('sha256').update(this.#first.member.stored);
      this.#hash.update(member.stored);
    }
    this.#last = member;
    this.#length += member.stored.length;
    this.#members.push([member.stored.length, member.content.length]);
  }

  finish(offset: number): IndexRange {
    if (this.#first === undefined) {
      return { stored: { offset, length: 0, sha256: emptySha256 }, skip: 0, members: [] };
    }
    const sha256 = this.#hash?.digest('hex') ?? this.#first.member.sha256;
    return {
      stored: { offset: this.#first.member.offset, length: this.#length, sha256 },
      skip: this.#first.from,
      members: this.#members,
    };
  }
}

/** The content of a tar as its members come by: read front to back, each byte once. */
export class TarContent {
  readonly #slices: AsyncIterator<MemberSlice>;
  readonly #listing: TarListing;
  #current: MemberSlice | undefined;
  #offset = 0;

  /** Every slice is shown to `listing` before anything of it is given out. */
  constructor(slices: AsyncIterator<MemberSlice>, listing: TarListing) {
    this.#slices = slices;
    this.#listing = listing;
  }

  /** Offset in the archive of the member being read, bytes. */
  get offset(): number {
    return this.#offset;
  }

  /**
   * The next `length` bytes, as they lie in their members; returns where that is.
   * @throws MemberDamage when the tar ends before.
   */
  async *take(length: number): AsyncGenerator<MemberSlice, IndexRange, undefined> {
    const range = new RangeBuilder();
    let left = length;
    while (left > 0) {
      const slice = await this.#next();
      if (slice === undefined) throw new MemberDamage('the archive ends there');
      const to = Math.min(slice.to, slice.from + left);
      this.#current = to < slice.to ? { ...slice, from: to } : undefined;
      const part = { ...slice, to };
      range.add(part);
      left -= to - slice.from;
      yield part;
    }
    return range.finish(this.#offset);
  }

  /** @throws MemberDamage when anything is left. */
  async end(): Promise<void> {
    if ((await this.#next()) !== undefined)
      throw new MemberDamage('bytes follow the end of the tar');
  }

  async #next(): Promise<MemberSlice | undefined> {
    while (this.#current === undefined || this.#current.from === this.#current.to) {
      const next = await this.#slices.next();
      if (next.done === true) return undefined;
      this.#current = next.value;
      this.#offset = next.value.member.offset;
      const { member, from, to } = next.value;
      await this.#listing.write(member.content.subarray(from, to));
    }
    return this.#current;
  }
}
