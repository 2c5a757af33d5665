import { createHash } from 'node:crypto';
import { HoldfastError } from '../core/errors';
import { quoteName } from '../core/ids';
import { BsonFrames, FrameDamage } from './bson-frames';
import { MemberDamage } from './gzip-members';
import type { IndexFile, IndexFiller, IndexLine, IndexRange } from './index-line';
import { innerPath, oplogFile } from './paths';
import { TarContent, type MemberSlice, type OpenedMember } from './tar-content';
import type { ArchiveEntry, DescribedFile } from './tar-entry';
import { encodeTarHeader, paddingAfter, trailerSize } from './tar-header';
import { TarListing } from './tar-listing';

/** A tar to prove and what should be in it. */
export interface TarProof {
  /** Name of the archive, for errors. */
  readonly archive: string;
  /** The tar's gzip members, in order, each once; may throw MemberDamage. */
  readonly members: AsyncIterable<OpenedMember>;
  /** What it should hold, in order. Digests and counts that are given are compared. */
  readonly entries: Iterable<ArchiveEntry> | AsyncIterable<ArchiveEntry>;
}

type Fail = (path: string, cause: unknown) => never;

interface Walk {
  readonly slices: AsyncIterator<MemberSlice>;
  readonly entries: Iterable<ArchiveEntry> | AsyncIterable<ArchiveEntry>;
  readonly listing: TarListing;
  readonly archive: string;
  /** How the tar's paths are called outside. */
  readonly label: (path: string) => string;
}

function failure(walk: Walk, content: TarContent): Fail {
  return (path, cause) => {
    if (!(cause instanceof MemberDamage || cause instanceof FrameDamage)) throw cause;
    const name = path === '' ? 'the end of the tar' : quoteName(walk.label(path));
    const where = `${name} (byte ${content.offset})`;
    const { archive } = walk;
    throw new HoldfastError('HF-ARCHIVE-001', { archive, where, reason: cause.message }, { cause });
  };
}

async function expectBytes(
  content: TarContent,
  expected: Buffer,
  reason: string,
): Promise<IndexRange> {
  const taken = content.take(expected.length);
  let at = 0;
  for (;;) {
    const step = await taken.next();
    if (step.done === true) return step.value;
    const { member, from, to } = step.value;
    if (!member.content.subarray(from, to).equals(expected.subarray(at, at + to - from))) {
      throw new MemberDamage(reason);
    }
    at += to - from;
  }
}

/** Largest document that a mongod lets be stored, bytes; an entry of an oplog may be larger. */
const largestStored = 16 * 1024 * 1024;

/** Digests and frames of one file's content while it streams by. */
class FileProof {
  readonly #entry: DescribedFile;
  readonly #hash = createHash('sha256');
  readonly #frames: BsonFrames | undefined;

  constructor(entry: DescribedFile, isDump: boolean) {
    this.#entry = entry;
    if (isDump) this.#frames = new BsonFrames(entry.path === oplogFile ? undefined : largestStored);
  }

  update(bytes: Buffer): void {
    this.#hash.update(bytes);
    this.#frames?.update(bytes);
  }

  finish(range: IndexRange, path: string): IndexFile {
    const { mode, uid, gid, mtime, size, sha256: known, documents: counted } = this.#entry;
    const sha256 = this.#hash.digest('hex');
    const documents = this.#frames?.finish();
    if (known !== undefined && known !== sha256) {
      throw new MemberDamage('its content has another SHA-256');
    }
    if (counted !== undefined && counted !== documents) {
      throw new MemberDamage(`it holds ${documents ?? 0} documents, ${counted} were expected`);
    }
    return {
      type: 'file',
      path,
      mode,
      uid,
      gid,
      mtime,
      size,
      sha256,
      ...(documents === undefined ? {} : { documents }),
      ...range,
    };
  }
}

/** Passes slices on and shows them to `proof`; keeps the range that `taken` returns at its end. */
class Tee implements AsyncIterator<MemberSlice> {
  range: IndexRange | undefined;
  readonly #taken: AsyncGenerator<MemberSlice, IndexRange, undefined>;
  readonly #proof: FileProof;

  constructor(taken: AsyncGenerator<MemberSlice, IndexRange, undefined>, proof: FileProof) {
    this.#taken = taken;
    this.#proof = proof;
  }

  async next(): Promise<IteratorResult<MemberSlice>> {
    const step = await this.#taken.next();
    if (step.done === true) {
      this.range = step.value;
      return { done: true, value: undefined };
    }
    const { member, from, to } = step.value;
    this.#proof.update(member.content.subarray(from, to));
    return step;
  }
}

async function proveFile(
  walk: Walk,
  content: TarContent,
  entry: ArchiveEntry & { type: 'file' },
): Promise<IndexLine[]> {
  // A file of the host may be named so too; only the archive's own are dumps.
  const isDump = walk.label !== innerPath && entry.path.endsWith('.bson');
  const proof = new FileProof(entry, isDump);
  const tee = new Tee(content.take(entry.size), proof);
  const lines: IndexLine[] = [];
  if (entry.inner === undefined) {
    while ((await tee.next()).done !== true);
  } else {
    const { archive } = walk;
    const listing = new TarListing(archive, 'bundle', innerPath);
    const inner = { archive, listing, slices: tee, entries: entry.inner, label: innerPath };
    for await (const line of walkTar(inner)) {
      if (isEntryLine(line)) lines.push(line);
    }
  }
  if (tee.range === undefined) throw new MemberDamage('root.tar ends before its entry');
  return [proof.finish(tee.range, walk.label(entry.path)), ...lines];
}

function isEntryLine(line: IndexLine): boolean {
  return line.type !== 'header' && line.type !== 'padding' && line.type !== 'trailer';
}

function filler(
  type: IndexFiller['type'],
  path: string,
  size: number,
  range: IndexRange,
): IndexLine {
  return { type, path, size, ...range };
}

async function proveEntry(
  walk: Walk,
  content: TarContent,
  entry: ArchiveEntry,
): Promise<IndexLine[]> {
  const path = walk.label(entry.path);
  const header = encodeTarHeader(entry);
  const range = await expectBytes(content, header, 'its tar header is not what it should be');
  walk.listing.expect(entry);
  const lines = [filler('header', path, header.length, range)];
  const { mode, uid, gid, mtime } = entry;
  switch (entry.type) {
    case 'directory':
      lines.push({ type: 'directory', path, mode, uid, gid, mtime, size: 0 });
      break;
    case 'symlink':
      lines.push({ type: 'symlink', path, mode, uid, gid, mtime, size: 0, link: entry.link });
      break;
    case 'file': {
      lines.push(...(await proveFile(walk, content, entry)));
      const zeros = Buffer.alloc(paddingAfter(entry.size));
      const after = await expectBytes(content, zeros, 'the padding after it is not zero');
      if (zeros.length > 0) lines.push(filler('padding', path, zeros.length, after));
    }
  }
  return lines;
}

async function* walkTar(walk: Walk): AsyncGenerator<IndexLine> {
  const content = new TarContent(walk.slices, walk.listing);
  const fail: Fail = failure(walk, content);
  try {
    for await (const entry of walk.entries) {
      let lines: readonly IndexLine[];
      try {
        lines = await proveEntry(walk, content, entry);
      } catch (cause) {
        fail(entry.path, cause);
      }
      yield* lines;
    }
    let range: IndexRange;
    try {
      range = await expectBytes(content, Buffer.alloc(trailerSize), 'the tar does not end there');
      await content.end();
      await walk.listing.finish();
    } catch (cause) {
      fail('', cause);
    }
    yield filler('trailer', '', trailerSize, range);
  } finally {
    walk.listing.abandon();
  }
}

async function* wholeMembers(members: AsyncIterable<OpenedMember>): AsyncGenerator<MemberSlice> {
  for await (const member of members) {
    // INDEX has no line for it: its bytes would belong to nothing that can be named.
    if (member.content.length === 0) throw new MemberDamage('a gzip member holds nothing');
    yield { member, from: 0, to: member.content.length };
  }
}

/**
 * Proves a tar in one pass against what it should hold and yields its INDEX, line by line: every
 * header is, byte for byte, the one its entry gives; contents have the digests and document counts
 * that are known; `.bson` files consist of whole documents; padding and end are zeros; nothing
 * follows; root.tar is walked the same way; and tar-stream, reading along, finds the same entries,
 * all allowed. Memory holds a few members.
 * @throws HoldfastError HF-ARCHIVE-001 naming the entry and the byte of the archive where its
 * member begins, HF-ARCHIVE-002 for an entry that is not allowed.
 */
export async function* proveTar(proof: TarProof): AsyncGenerator<IndexLine> {
  const { archive, members, entries } = proof;
  const label = (path: string): string => path;
  const listing = new TarListing(archive, 'archive', label);
  const slices = wholeMembers(members);
  try {
    yield* walkTar({ archive, entries, listing, slices, label });
  } finally {
    await slices.return(undefined);
  }
}
