import { createHash } from 'node:crypto';
import type { SpoolMember } from '../core/spool';
import { HoldfastError } from '../core/errors';
import { quoteName } from '../core/ids';
import type { Compressor } from './compressor';
import { EntryPolicy } from './entry-policy';
import { type HostEntry, openHostFile, walkHostFiles } from './host-files';
import { MemberWriter } from './member-writer';
import { nameFromBytes } from './name-bytes';
import type { MemberSink } from './segment-file';
import type { InnerEntry, TarAttributes } from './tar-entry';
import { encodeTarHeader, paddingAfter, trailerSize } from './tar-header';

/** What bundleFiles packs and where it puts it. */
export interface BundleOptions {
  /** Absolute; names in the tar and absolute link targets are relative to it (`controller.root`). */
  readonly root: string;
  /** Absolute paths below `root`, in the order of the tar; directories with all they hold. */
  readonly paths: readonly string[];
  /** Gets the gzip members of root.tar in order; making them durable is the caller's. */
  readonly segment: MemberSink;
  readonly compressor: Compressor;
  /** Members being compressed at a time; 2 when absent. */
  readonly inFlight?: number;
  readonly signal?: AbortSignal | undefined;
  /** Awaited after each read from a file, with its bytes: holds the bundle to a rate. */
  readonly onRead?: (bytes: number) => Promise<void>;
  /** Called after each entry with its path and the bytes of the tar so far. */
  readonly onProgress?: (path: string, bytes: number) => void;
}

/** root.tar as it lies in the spool. */
export interface Bundle {
  readonly members: readonly SpoolMember[];
  /** Bytes of root.tar. */
  readonly size: number;
  /** Its entries in order, files with their SHA-256. */
  readonly entries: readonly InnerEntry[];
  /** What was passed over because a tar for restoring files has no place for it: sockets, devices, FIFOs. */
  readonly skipped: readonly { readonly path: string; readonly reason: string }[];
}

function attributesOf(host: HostEntry): TarAttributes {
  return {
    path: nameFromBytes(host.name),
    mode: host.mode,
    uid: host.uid,
    gid: host.gid,
    mtime: host.mtime,
  };
}

function admit<E extends InnerEntry>(entry: E, policy: EntryPolicy): E {
  const reason = policy.problem(entry);
  if (reason === undefined) return entry;
  throw new HoldfastError('HF-ARCHIVE-004', { path: quoteName(`/${entry.path}`), reason });
}

async function writeFileEntry(
  host: HostEntry,
  writer: MemberWriter,
  policy: EntryPolicy,
  { signal, onRead }: BundleOptions,
): Promise<InnerEntry> {
  const file = await openHostFile(host);
  try {
    const entry = admit({ ...attributesOf(file.stat), type: 'file', size: file.size }, policy);
    await writer.write(encodeTarHeader(entry));
    const hash = createHash('sha256');
    for await (const chunk of file.read(signal)) {
      await onRead?.(chunk.length);
      hash.update(chunk);
      await writer.write(chunk);
    }
    await writer.write(Buffer.alloc(paddingAfter(file.size)));
    return { ...entry, sha256: hash.digest('hex') };
  } finally {
    await file.close();
  }
}

async function writeEntry(
  host: HostEntry,
  writer: MemberWriter,
  policy: EntryPolicy,
  options: BundleOptions,
): Promise<InnerEntry> {
  switch (host.type) {
    case 'file':
      return writeFileEntry(host, writer, policy, options);
    case 'directory': {
      const entry = admit({ ...attributesOf(host), type: 'directory' }, policy);
      await writer.write(encodeTarHeader(entry));
      return entry;
    }
    case 'symlink': {
      const link = nameFromBytes(host.link);
      const entry = admit({ ...attributesOf(host), type: 'symlink', link }, policy);
      await writer.write(encodeTarHeader(entry));
      return entry;
    }
  }
}

/**
 * Writes the given host files as root.tar, in gzip members of about 4 MiB of content, in memory
 * that depends neither on the files' sizes nor on their number beyond the list of entries. Names
 * lose `root` and the leading slash; a path that lies in another one is packed once. Absolute link
 * targets inside `root` lose it too (with root `/` they stay as they are); relative targets and
 * targets outside stay as the links have them. Times are cut to whole seconds. A file that grows
 * while it is read is cut at the size it had when it was opened.
 * @throws HoldfastError HF-HOST-004 for a file that is missing, unreadable, replaced or shrinking
 * (trying again may help), HF-ARCHIVE-004 for one that the strict reader would refuse.
 */
export async function bundleFiles(options: BundleOptions): Promise<Bundle> {
  const writer = new MemberWriter(options);
  const policy = new EntryPolicy('bundle');
  const entries: InnerEntry[] = [];
  const skipped: { path: string; reason: string }[] = [];
  for await (const host of walkHostFiles(options.root, options.paths)) {
    options.signal?.throwIfAborted();
    if (host.type === 'other') {
      skipped.push({ path: host.path, reason: host.reason });
      continue;
    }
    const entry = await writeEntry(host, writer, policy, options);
    entries.push(entry);
    options.onProgress?.(entry.path, writer.size);
  }
  await writer.write(Buffer.alloc(trailerSize));
  await writer.finish();
  return { members: writer.members, size: writer.size, entries, skipped };
}
