import { z } from 'zod';

const bytes = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const attributes = {
  path: z.string(),
  mode: bytes,
  uid: bytes,
  gid: bytes,
  mtime: z.number(),
};
const fileEntry = z.object({
  ...attributes,
  type: z.literal('file'),
  size: bytes,
  sha256: sha256.exactOptional(),
  documents: bytes.exactOptional(),
});
const directoryEntry = z.object({ ...attributes, type: z.literal('directory') });
const symlinkEntry = z.object({ ...attributes, type: z.literal('symlink'), link: z.string() });
/** An entry of root.tar, as JSON. */
export const innerEntrySchema = z.discriminatedUnion('type', [
  fileEntry,
  directoryEntry,
  symlinkEntry,
]);
/** An entry of the archive, as JSON. */
export const archiveEntrySchema = z.discriminatedUnion('type', [
  fileEntry.extend({ inner: z.array(innerEntrySchema).exactOptional() }),
  directoryEntry,
  symlinkEntry,
]);
/** A gzip member in a run directory (core/spool), as JSON. */
export const spoolMemberSchema = z.object({
  file: z.string(),
  offset: bytes,
  stored: bytes,
  content: bytes,
  sha256,
});

/** rope.json. */
export const ropeSchema = z.object({
  v: z.literal(1),
  size: bytes,
  content: bytes,
  segments: z.array(spoolMemberSchema),
  entries: z.array(archiveEntrySchema),
});

/** What bundleFiles returns, kept as JSON between an attempt and the next. */
export const bundleSchema = z.object({
  members: z.array(spoolMemberSchema),
  size: bytes,
  entries: z.array(innerEntrySchema),
  skipped: z.array(z.object({ path: z.string(), reason: z.string() })),
});
