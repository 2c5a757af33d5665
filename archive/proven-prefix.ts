import { createHash } from 'node:crypto';
import { constants, open, type FileHandle } from 'node:fs/promises';
import { MemberDamage, openMember } from './gzip-members';
import type { IndexLine, IndexRange } from './index-line';

const pieceSize = 1024 * 1024;

async function holds(
  file: FileHandle,
  { offset, length, sha256 }: IndexRange['stored'],
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const hash = createHash('sha256');
  const piece = Buffer.allocUnsafe(Math.min(pieceSize, Math.max(1, length)));
  for (let done = 0; done < length;) {
    signal?.throwIfAborted();
    const wanted = Math.min(piece.length, length - done);
    const { bytesRead } = await file.read(piece, 0, wanted, offset + done);
    if (bytesRead === 0) return false;
    hash.update(piece.subarray(0, bytesRead));
    done += bytesRead;
  }
  return hash.digest('hex') === sha256;
}

/** Where the last whole member ends that opens, from `proven` on. */
async function wholeMembers(
  file: FileHandle,
  size: number,
  range: IndexRange,
  proven: number,
  signal: AbortSignal | undefined,
): Promise<number> {
  let at = range.stored.offset;
  for (const [stored, content] of range.members) {
    signal?.throwIfAborted();
    if (at + stored > size) return Math.max(proven, at);
    if (at >= proven) {
      const bytes = Buffer.allocUnsafe(stored);
      const { bytesRead } = await file.read(bytes, 0, stored, at);
      if (bytesRead < stored) return at;
      try {
        await openMember(bytes, content);
      } catch (error) {
        if (error instanceof MemberDamage) return at;
        throw error;
      }
    }
    at += stored;
  }
  return at;
}

/**
 * How many of a file's first bytes are an archive's, by its INDEX: whole ranges by their SHA-256, in
 * the last one, of which a part is there, the gzip members by their lengths and CRC. So a beginning
 * that is longer than a range's is proven only by the digest of the whole. Reads each byte once.
 *
 * @param path a file that was left unfinished; only its first `size` bytes are looked at
 * @param lines INDEX of the archive, in its order
 */
export async function provenPrefix(
  path: string,
  size: number,
  lines: AsyncIterable<IndexLine>,
  signal?: AbortSignal,
): Promise<number> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  let proven = 0;
  try {
    for await (const line of lines) {
      if (!('stored' in line)) continue;
      const end = line.stored.offset + line.stored.length;
      if (end <= proven) continue;
      if (end <= size && (await holds(file, line.stored, signal))) {
        proven = end;
        continue;
      }
      return await wholeMembers(file, size, line, proven, signal);
    }
    return proven;
  } finally {
    await file.close();
  }
}
