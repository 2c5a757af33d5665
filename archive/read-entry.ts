import { createHash } from 'node:crypto';
import { HoldfastError } from '../core/errors';
import { quoteName } from '../core/ids';
import { MemberDamage, openMember } from './gzip-members';
import type { IndexFile } from './index-line';

/** A half-open range of bytes `[start, end)`. */
export interface ContentRange {
  readonly start: number;
  readonly end: number;
}

/** Reads a range of the stored archive: what `readFile` of a storage handle does. */
export type ReadRange = (
  range: ContentRange,
  signal?: AbortSignal,
) => Promise<AsyncIterable<Uint8Array>>;

/** What readEntry reads, and for whom. */
export interface ReadEntryOptions {
  /** Name of the archive, for errors. */
  readonly archive: string;
  /** Bytes of the content; all of it when absent. */
  readonly range?: ContentRange;
  readonly signal?: AbortSignal | undefined;
}

interface Slice {
  /** Where the member begins in the archive, bytes. */
  readonly offset: number;
  readonly stored: number;
  readonly content: number;
  /** The part of the member's content that is wanted. */
  readonly from: number;
  readonly to: number;
}

function slicesOf(line: IndexFile, range: ContentRange): readonly Slice[] {
  const slices: Slice[] = [];
  let offset = line.stored.offset;
  let position = -line.skip;
  for (const [stored, content] of line.members) {
    const from = Math.max(0, range.start - position);
    const to = Math.min(content, range.end - position);
    if (from < to) slices.push({ offset, stored, content, from, to });
    offset += stored;
    position += content;
  }
  return slices;
}

/** Cuts a stream of chunks into pieces of given lengths. */
async function* cut(
  bytes: AsyncIterable<Uint8Array>,
  slices: readonly Slice[],
): AsyncGenerator<{ slice: Slice; stored: Buffer }> {
  let pending: Buffer[] = [];
  let length = 0;
  let next = 0;
  for await (const chunk of bytes) {
    pending.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    length += chunk.byteLength;
    for (
      let slice = slices[next];
      slice !== undefined && length >= slice.stored;
      slice = slices[next]
    ) {
      const [only] = pending;
      const whole = pending.length === 1 && only !== undefined ? only : Buffer.concat(pending);
      yield { slice, stored: whole.subarray(0, slice.stored) };
      pending = [whole.subarray(slice.stored)];
      length -= slice.stored;
      next += 1;
    }
  }
  if (next < slices.length) throw new MemberDamage('the stored file ends there');
  if (length > 0) throw new MemberDamage('the storage gave more bytes than were asked for');
}

/**
 * The content of an entry, or a range of it, from one ranged read of the stored (plain) archive;
 * only the gzip members that hold it are read and decompressed, one at a time, so that
 * memory holds no more. A whole content is
 * compared with its SHA-256; a part is guarded by the members' lengths and CRCs.
 * @throws HoldfastError HF-ARCHIVE-001 naming the entry; RangeError when the range is outside;
 * whatever readRange throws.
 */
export async function* readEntry(
  line: IndexFile,
  readRange: ReadRange,
  options: ReadEntryOptions,
): AsyncGenerator<Buffer> {
  const { archive, signal, range = { start: 0, end: line.size } } = options;
  if (range.start < 0 || range.start > range.end || range.end > line.size) {
    throw new RangeError(`bytes ${range.start} to ${range.end} of ${line.size}`);
  }
  const damaged = (offset: number, reason: string, cause?: unknown): HoldfastError => {
    const where = `${quoteName(line.path)} (byte ${offset})`;
    return new HoldfastError('HF-ARCHIVE-001', { archive, where, reason }, { cause });
  };
  const hash = createHash('sha256');
  const slices = slicesOf(line, range);
  let length = 0;
  let at = line.stored.offset;
  const first = slices[0];
  const last = slices.at(-1);
  if (first !== undefined && last !== undefined) {
    const bytes = await readRange({ start: first.offset, end: last.offset + last.stored }, signal);
    try {
      for await (const { slice, stored } of cut(bytes, slices)) {
        const content = await openMember(stored, slice.content);
        const part = content.subarray(slice.from, slice.to);
        signal?.throwIfAborted();
        at = slice.offset + slice.stored;
        length += part.length;
        hash.update(part);
        yield part;
      }
    } catch (cause) {
      if (cause instanceof MemberDamage) throw damaged(at, cause.message, cause);
      throw cause;
    }
  }
  if (length !== range.end - range.start) throw damaged(at, 'INDEX does not say where it all is');
  const whole = range.start === 0 && range.end === line.size;
  if (whole && hash.digest('hex') !== line.sha256) {
    throw damaged(line.stored.offset, 'its content has another SHA-256');
  }
}

/**
 * A small entry, whole and proven.
 * @throws HoldfastError HF-ARCHIVE-001 when it is damaged, HF-ARCHIVE-002 when it is over `limit` bytes.
 */
export async function readSmallEntry(
  line: IndexFile,
  readRange: ReadRange,
  options: Omit<ReadEntryOptions, 'range'> & { readonly limit: number },
): Promise<Buffer> {
  const { archive, limit } = options;
  if (line.size > limit) {
    const reason = `it has ${line.size} bytes, ${limit} are allowed`;
    throw new HoldfastError('HF-ARCHIVE-002', { archive, entry: quoteName(line.path), reason });
  }
  const chunks: Buffer[] = [];
  for await (const chunk of readEntry(line, readRange, options)) chunks.push(chunk);
  return Buffer.concat(chunks);
}
