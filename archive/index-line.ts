import { z } from 'zod';

const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** Largest gzip member a reader accepts, stored or decompressed, bytes. */
export const largestMember = 64 * 1024 * 1024;

const memberSize = z.number().int().min(0).max(largestMember);

const range = {
  stored: z.object({ offset: count, length: count, sha256 }),
  skip: memberSize,
  members: z.array(z.tuple([memberSize, memberSize])),
};

const attributes = {
  path: z.string().min(1),
  mode: z.number().int().min(0).max(0o7777),
  uid: count,
  gid: count,
  mtime: z.number(),
};

/** Schema of a line of INDEX that describes a file. */
export const indexFileSchema = z.object({
  type: z.literal('file'),
  ...attributes,
  size: count,
  sha256,
  documents: count.optional(),
  ...range,
});

const directoryLine = z.object({ type: z.literal('directory'), ...attributes, size: z.literal(0) });

const symlinkLine = z.object({
  type: z.literal('symlink'),
  ...attributes,
  size: z.literal(0),
  link: z.string(),
});

const fillerLine = z.object({
  type: z.enum(['header', 'padding', 'trailer']),
  path: z.string(),
  size: count,
  ...range,
});

/** Schema of one line of INDEX; keys it does not know are passed over. */
export const indexLineSchema = z.discriminatedUnion('type', [
  indexFileSchema,
  directoryLine,
  symlinkLine,
  fillerLine,
]);

/** Where content lies in the stored archive. */
export interface IndexRange {
  /** The whole gzip members that hold it: offset and length in the archive, SHA-256 of those bytes. */
  readonly stored: { readonly offset: number; readonly length: number; readonly sha256: string };
  /** Bytes to pass over in the first member once it is decompressed. */
  readonly skip: number;
  /** Stored and decompressed length of each of these members. */
  readonly members: readonly (readonly [stored: number, content: number])[];
}

export interface IndexFile extends IndexRange {
  readonly type: 'file';
  readonly path: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: number;
  readonly size: number;
  /** SHA-256 of the content, hex. */
  readonly sha256: string;
  /** Documents of a `.bson` file. */
  readonly documents?: number | undefined;
}

export interface IndexDirectory {
  readonly type: 'directory';
  readonly path: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: number;
  readonly size: 0;
}

export interface IndexSymlink extends Omit<IndexDirectory, 'type'> {
  readonly type: 'symlink';
  readonly link: string;
}

/** Bytes of the tar that are no entry's content: its headers, the zeros after it, the end of the tar. */
export interface IndexFiller extends IndexRange {
  readonly type: 'header' | 'padding' | 'trailer';
  /** The entry it belongs to; empty for the trailer. */
  readonly path: string;
  readonly size: number;
}

/** An entry of the archive, or of root.tar (its path then begins with `juju-backup/root.tar!/`). */
export type IndexEntry = IndexFile | IndexDirectory | IndexSymlink;

/** One line of INDEX. In the order of the tar; the entries of root.tar follow the line of root.tar. */
export type IndexLine = IndexEntry | IndexFiller;

/** Whether a line describes an entry rather than headers, padding or trailer. */
export function isIndexEntry(line: IndexLine): line is IndexEntry {
  return line.type === 'file' || line.type === 'directory' || line.type === 'symlink';
}
