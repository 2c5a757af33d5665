import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { HoldfastError, isHoldfastError } from '../core/errors';
import { quoteName } from '../core/ids';
import { MemberDamage, openMember } from './gzip-members';
import { IndexFeed } from './index-feed';
import { readIndex, type FileDigest } from './index-file';
import type { IndexLine } from './index-line';
import {
  TotalsCounter,
  reportMembers,
  type ArchiveTotals,
  type InspectProgress,
} from './inspect-rope';
import { orderedAhead } from './ordered-ahead';
import { proveTar } from './prove-tar';
import { StoredBytes } from './stored-bytes';
import type { OpenedMember } from './tar-content';

const membersAhead = 2;

/** A stored archive with what MANIFEST says about it. */
export interface InspectArchiveOptions {
  /** Name of the archive, for errors. */
  readonly archive: string;
  /** The plain .tar.gz, from its first byte to its last. */
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Size and SHA-256 of the .tar.gz, from MANIFEST (`content`). */
  readonly expect: FileDigest;
  /** The stored bytes of INDEX. */
  readonly index: AsyncIterable<Uint8Array>;
  /** Size and SHA-256 of INDEX, from MANIFEST. */
  readonly expectIndex: FileDigest;
  readonly signal?: AbortSignal | undefined;
  /** Called after every member. */
  readonly onProgress?: (progress: InspectProgress) => void;
}

function compare(archive: string, found: IndexLine, expected: IndexLine | undefined): void {
  if (isDeepStrictEqual(found, expected)) return;
  const at = 'stored' in found ? ` (byte ${found.stored.offset})` : '';
  const name = found.path === '' ? 'the end of the tar' : quoteName(found.path);
  const where = `${name}${at}`;
  const reason = `INDEX says something else about this ${found.type}`;
  throw new HoldfastError('HF-ARCHIVE-001', { archive, where, reason });
}

/**
 * The strict reader of a backup's archive: one streaming pass over archive and INDEX that works
 * the whole INDEX out again from the archive's bytes and accepts no difference. So every byte of
 * the archive belongs to a line, every stored range and every content has the digest it should,
 * headers, modes, owners, times, link targets, BSON frames and document counts are as INDEX says,
 * and the layout is allowed. Archive and INDEX then have the digests of MANIFEST. Writes nothing.
 * @throws HoldfastError HF-ARCHIVE-001 naming the damaged entry and its byte in the archive,
 * HF-ARCHIVE-002 naming an entry that is not allowed; whatever the sources throw.
 */
export async function inspectArchive(options: InspectArchiveOptions): Promise<ArchiveTotals> {
  const { archive, expect, expectIndex, signal, onProgress } = options;
  const lines = readIndex(options.index, { archive, expect: expectIndex, signal });
  const feed = new IndexFeed(lines, archive);
  const source = new StoredBytes(options.bytes, signal);
  const opened = orderedAhead(
    feed.members(),
    membersAhead,
    async (place): Promise<OpenedMember> => {
      const stored = await source.take(place.stored);
      const sha256 = createHash('sha256').update(stored).digest('hex');
      const content = await openMember(stored, place.content);
      return { offset: place.offset, stored, content, sha256 };
    },
  );
  const members = reportMembers(opened, expect.size, onProgress);
  const totals = new TotalsCounter();
  try {
    for await (const line of proveTar({ archive, members, entries: feed.entries() })) {
      compare(archive, line, feed.expected());
      totals.add(line);
    }
    const extra = await feed.rest();
    if (extra !== undefined) {
      const where = `INDEX, ${quoteName(extra.path)}`;
      throw new HoldfastError('HF-ARCHIVE-001', { archive, where, reason: 'the archive lacks it' });
    }
    const digest = await source.finish();
    if (digest.size !== expect.size || digest.sha256 !== expect.sha256) {
      const where = `the end of the tar (byte ${digest.size})`;
      const reason = `it has ${digest.size} bytes with SHA-256 ${digest.sha256}, MANIFEST says ${expect.size} bytes with ${expect.sha256}`;
      throw new HoldfastError('HF-ARCHIVE-001', { archive, where, reason });
    }
    const { files, bytes, documents } = totals;
    return { ...digest, files, bytes, documents };
  } catch (error) {
    // Where INDEX itself is not the one it should be, the archive is not to blame.
    if (isHoldfastError(error, 'HF-ARCHIVE-001', 'HF-ARCHIVE-002')) await feed.drain();
    if (!(error instanceof MemberDamage)) throw error;
    const where = `the end of the tar (byte ${source.taken})`;
    throw new HoldfastError(
      'HF-ARCHIVE-001',
      { archive, where, reason: error.message },
      { cause: error },
    );
  } finally {
    await source.close();
    await lines.return(undefined);
  }
}
