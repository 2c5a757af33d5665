import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { SpoolMember } from '../core/spool';
import { MemberDamage, openMember } from './gzip-members';
import { IndexWriter, type FileDigest } from './index-file';
import type { IndexLine } from './index-line';
import { orderedAhead } from './ordered-ahead';
import { proveTar } from './prove-tar';
import { pathInBundle } from './paths';
import type { Rope } from './rope';
import { SpoolReader, readSegment } from './rope-file';
import { sha256OffThread } from './sha256';
import type { OpenedMember } from './tar-content';

const membersAhead = 2;

/** What an inspection counted and computed. */
export interface ArchiveTotals {
  /** Bytes of the .tar.gz. */
  readonly size: number;
  /** SHA-256 of the .tar.gz, hex. */
  readonly sha256: string;
  /** SHA-1 of the .tar.gz, base64: Juju's own checksum. */
  readonly sha1Base64: string;
  /** Files in the archive and in root.tar (root.tar itself counts as one). */
  readonly files: number;
  /** Bytes these files hold (those in root.tar count once, as root.tar). */
  readonly bytes: number;
  /** BSON documents in all dumps, the oplog's entries among them. */
  readonly documents: number;
}

/** How far an inspection is. */
export interface InspectProgress {
  /** Bytes of the archive proven so far. */
  readonly done: number;
  /** Bytes of the archive in all. */
  readonly total: number;
}

/** Adds up what INDEX lines say. */
export class TotalsCounter {
  files = 0;
  bytes = 0;
  documents = 0;

  add(line: IndexLine): void {
    if (line.type !== 'file') return;
    this.files += 1;
    this.documents += line.documents ?? 0;
    if (pathInBundle(line.path) === undefined) this.bytes += line.size;
  }
}

/** Passes members on and reports how far they reach. */
export async function* reportMembers(
  members: AsyncIterable<OpenedMember>,
  total: number,
  onProgress: ((progress: InspectProgress) => void) | undefined,
): AsyncGenerator<OpenedMember> {
  for await (const member of members) {
    yield member;
    onProgress?.({ done: member.offset + member.stored.length, total });
  }
}

/** What inspectRope needs besides the rope. */
export interface InspectRopeOptions {
  readonly runDirectory: string;
  /** New file for INDEX, relative to the run directory; must not exist. */
  readonly indexFile: string;
  /** Name of the archive, for errors. */
  readonly archive: string;
  readonly signal?: AbortSignal | undefined;
  /** Called after every member. */
  readonly onProgress?: (progress: InspectProgress) => void;
}

/** Totals of an archive and the digest of the INDEX that was written. */
export interface RopeInspection extends ArchiveTotals {
  readonly index: FileDigest;
}

/**
 * Proves everything that can be proven of an archive before it is stored, in one streaming pass
 * over its rope: the SHA-256 of every segment, that each is one gzip member, and all that proveTar
 * proves; computes its size and digests and writes its INDEX (synced when it resolves).
 * @throws HoldfastError HF-ARCHIVE-001 naming the entry, HF-ARCHIVE-002 for one the strict reader refuses.
 */
export async function inspectRope(
  rope: Rope,
  options: InspectRopeOptions,
): Promise<RopeInspection> {
  const { runDirectory, archive, signal, onProgress } = options;
  const sha256 = createHash('sha256');
  const sha1 = createHash('sha1');
  let size = 0;
  const reader = new SpoolReader(runDirectory);
  const read = async function* (): AsyncGenerator<{
    segment: SpoolMember;
    offset: number;
    stored: Buffer;
  }> {
    for (const segment of rope.segments) {
      signal?.throwIfAborted();
      const stored = await readSegment(reader, segment);
      sha256.update(stored);
      sha1.update(stored);
      yield { segment, offset: size, stored };
      size += stored.length;
    }
  };
  const opened = orderedAhead(
    read(),
    membersAhead,
    async ({ segment, offset, stored }): Promise<OpenedMember> => {
      const found = await sha256OffThread(stored);
      if (found !== segment.sha256) {
        const place = `${segment.file} at byte ${segment.offset}`;
        throw new MemberDamage(`${place} has changed since it was written`);
      }
      const content = await openMember(stored, segment.content);
      return { offset, stored, content, sha256: found };
    },
  );
  const members = reportMembers(opened, rope.size, onProgress);
  const totals = new TotalsCounter();
  const index = await IndexWriter.create(join(runDirectory, options.indexFile));
  let digest: FileDigest;
  try {
    for await (const line of proveTar({ archive, members, entries: rope.entries })) {
      totals.add(line);
      await index.add(line);
    }
    digest = await index.finish();
  } catch (error) {
    await index.abandon();
    throw error;
  } finally {
    await reader.close();
  }
  const { files, bytes, documents } = totals;
  const sums = { sha256: sha256.digest('hex'), sha1Base64: sha1.digest('base64') };
  return { size, ...sums, files, bytes, documents, index: digest };
}
