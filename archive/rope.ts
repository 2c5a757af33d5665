import { createHash } from 'node:crypto';
import type { SpoolMember } from '../core/spool';
import { HoldfastError } from '../core/errors';
import { quoteName } from '../core/ids';
import { EntryPolicy } from './entry-policy';
import type { Compressor } from './compressor';
import { memberContent } from './gzip-members';
import { SegmentFile } from './segment-file';
import type { ArchiveEntry, InnerEntry, TarAttributes } from './tar-entry';
import { encodeTarHeader, paddingAfter, trailerSize } from './tar-header';

/** One thing to put into an archive. */
export type RopeSource =
  | (TarAttributes & { readonly type: 'directory' })
  | (TarAttributes & {
      /** A small file, given whole. */
      readonly type: 'bytes';
      readonly bytes: Buffer;
      readonly documents?: number;
    })
  | (TarAttributes & {
      /** A file whose content lies in the spool already. */
      readonly type: 'spooled';
      readonly members: readonly SpoolMember[];
      /** Sum of the members' content, bytes. */
      readonly size: number;
      /** SHA-256 of the content, hex, when it is known; inspectRope then compares. */
      readonly sha256?: string;
      /** BSON documents, when it is a dump; inspectRope counts them again. */
      readonly documents?: number;
    })
  | (TarAttributes & {
      /** root.tar, as `bundleFiles` left it in the spool. */
      readonly type: 'bundle';
      readonly members: readonly SpoolMember[];
      readonly size: number;
      /** The entries of the nested tar, in its order. */
      readonly inner: readonly InnerEntry[];
    });

/**
 * An archive that has not been written: the gzip members whose concatenation it is, in order, and
 * the entries they hold. Plain JSON; frozen before the first byte is stored.
 */
export interface Rope {
  readonly v: 1;
  /** Bytes of the .tar.gz. */
  readonly size: number;
  /** Bytes of the tar in it. */
  readonly content: number;
  readonly segments: readonly SpoolMember[];
  readonly entries: readonly ArchiveEntry[];
}

/** Where and how composeRope writes what is not in the spool yet. */
export interface ComposeOptions {
  /** Directory that every `file` of a segment is relative to. */
  readonly runDirectory: string;
  /** New file for headers, padding and small files, relative to the run directory; must not exist. */
  readonly literalsFile: string;
  readonly compressor: Compressor;
  readonly signal?: AbortSignal | undefined;
}

/** Collects what stands between spooled contents, and makes gzip members of it. */
class Literals {
  readonly #file: SegmentFile;
  readonly #compressor: Compressor;
  readonly #segments: SpoolMember[];
  #pending: Buffer[] = [];
  #bytes = 0;

  constructor(file: SegmentFile, compressor: Compressor, segments: SpoolMember[]) {
    this.#file = file;
    this.#compressor = compressor;
    this.#segments = segments;
  }

  async add(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      const part = bytes.subarray(at, at + memberContent - this.#bytes);
      this.#pending.push(part);
      this.#bytes += part.length;
      at += part.length;
      if (this.#bytes === memberContent) await this.flush();
    }
  }

  async flush(): Promise<void> {
    if (this.#bytes === 0) return;
    const content = Buffer.concat(this.#pending);
    this.#pending = [];
    this.#bytes = 0;
    const stored = await this.#compressor.compress(content);
    this.#segments.push(await this.#file.append({ stored, content: content.length }));
  }
}

function described(source: RopeSource): ArchiveEntry {
  const { path, mode, uid, gid, mtime } = source;
  const attributes = { path, mode, uid, gid, mtime };
  switch (source.type) {
    case 'directory':
      return { ...attributes, type: 'directory' };
    case 'bytes': {
      const sha256 = createHash('sha256').update(source.bytes).digest('hex');
      const file = { ...attributes, type: 'file', size: source.bytes.length, sha256 } as const;
      return source.documents === undefined ? file : { ...file, documents: source.documents };
    }
    case 'spooled': {
      const file = { ...attributes, type: 'file', size: source.size } as const;
      return {
        ...file,
        ...(source.sha256 === undefined ? {} : { sha256: source.sha256 }),
        ...(source.documents === undefined ? {} : { documents: source.documents }),
      };
    }
    case 'bundle':
      return { ...attributes, type: 'file', size: source.size, inner: source.inner };
  }
}

async function addContent(
  source: RopeSource,
  literals: Literals,
  segments: SpoolMember[],
): Promise<number> {
  switch (source.type) {
    case 'directory':
      return 0;
    case 'bytes':
      await literals.add(source.bytes);
      return source.bytes.length;
    case 'spooled':
    case 'bundle': {
      const held = source.members.reduce((sum, member) => sum + member.content, 0);
      if (held !== source.size) {
        const reason = `its spool holds ${held} bytes, ${source.size} were expected`;
        throw new HoldfastError('HF-ARCHIVE-004', { path: quoteName(source.path), reason });
      }
      if (source.members.length > 0) await literals.flush();
      for (const { file, offset, stored, content, sha256 } of source.members) {
        segments.push({ file, offset, stored, content, sha256 });
      }
      return source.size;
    }
  }
}

/**
 * Lays out an archive: headers, padding, small files and the end of the tar become gzip members in
 * `literalsFile`, the spooled contents stay where they are. Nothing else is written. The literals
 * are durable when it resolves. The same entries give the same archive, byte for byte.
 * @throws HoldfastError HF-ARCHIVE-004 for an entry that the strict reader would refuse.
 */
export async function composeRope(
  sources: Iterable<RopeSource> | AsyncIterable<RopeSource>,
  options: ComposeOptions,
): Promise<Rope> {
  const segments: SpoolMember[] = [];
  const entries: ArchiveEntry[] = [];
  const policy = new EntryPolicy('archive');
  let content = 0;
  const file = await SegmentFile.create(options.runDirectory, options.literalsFile);
  try {
    const literals = new Literals(file, options.compressor, segments);
    for await (const source of sources) {
      options.signal?.throwIfAborted();
      const entry = described(source);
      const reason = policy.problem(entry);
      if (reason !== undefined) {
        throw new HoldfastError('HF-ARCHIVE-004', { path: quoteName(entry.path), reason });
      }
      const header = encodeTarHeader(entry);
      await literals.add(header);
      const size = await addContent(source, literals, segments);
      await literals.add(Buffer.alloc(paddingAfter(size)));
      content += header.length + size + paddingAfter(size);
      entries.push(entry);
    }
    await literals.add(Buffer.alloc(trailerSize));
    content += trailerSize;
    await literals.flush();
    await file.sync();
  } finally {
    await file.close();
  }
  const size = segments.reduce((sum, segment) => sum + segment.stored, 0);
  return { v: 1, size, content, segments, entries };
}
