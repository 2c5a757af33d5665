import { z } from 'zod';
import { errorTable } from '../core/error-table';

export const v = z.literal(1);
/** Kinds that hold a host. */
export const operation = z.enum(['backup', 'restore', 'restoreCollections']);
export const kind = z.enum([...operation.options, 'verify', 'verifyAll', 'prune', 'copy']);
export const code = z.enum(Object.keys(errorTable));
/** Milliseconds since the epoch. */
export const instant = z.number();
/** Bytes, or a number of things. */
export const count = z.int().nonnegative();

const preflight = z.strictObject({
  v,
  backupId: z.string(),
  checks: z.array(
    z.strictObject({
      name: z.string(),
      verdict: z.enum(['pass', 'warn', 'refuse']),
      text: z.string(),
    }),
  ),
  collections: count,
  documents: count,
  bytes: count,
  files: count,
});

/** What identifies the bytes of an archive. */
export const archive = z.strictObject({
  name: z.string(),
  size: count,
  sha256: z.hex().length(64),
  sha1Base64: z.base64(),
});

const backupReport = {
  v,
  kind: z.literal('backup'),
  backupId: z.string(),
  storage: z.string(),
  outcome: z.enum(['complete', 'partial']),
  archive,
  collections: count,
  documents: count,
  oplogEntries: count,
  node: z.string().optional(),
  dumpRestarts: count.optional(),
  files: count,
  warnings: z.array(z.string()).optional(),
  compensated: z.string().optional(),
  duration: z.number(),
};

const restoreReport = {
  v,
  kind: z.literal('restore'),
  outcome: z.enum(['restored', 'planned', 'rolled-back']),
  backupId: z.string(),
  preflight: preflight.optional(),
  collections: count,
  documents: count,
  oplogEntries: count,
  files: count,
  downtime: z.number().optional(),
  compensated: z.string().optional(),
  lost: z.array(z.string()).optional(),
  duration: z.number(),
};

const restoreCollectionsReport = {
  v,
  kind: z.literal('restoreCollections'),
  outcome: z.enum(['restored', 'planned']),
  backupId: z.string(),
  preflight: preflight.optional(),
  collections: count,
  documents: count,
  oplogEntries: count,
  replaced: count,
  read: count,
  archiveSize: count.optional(),
  compensated: z.string().optional(),
  duration: z.number(),
};

const verifyReport = {
  v,
  kind: z.literal('verify'),
  backupId: z.string(),
  archive,
  entries: count,
  documents: count,
  bytes: count,
  duration: z.number(),
};

const pruneReport = {
  v,
  kind: z.literal('prune'),
  removed: z.array(z.string()),
  swept: z.array(z.string()),
  freed: count,
  duration: z.number(),
};

const verifyAllReport = {
  v,
  kind: z.literal('verifyAll'),
  storage: z.string(),
  sample: z.number().optional(),
  outcome: z.enum(['sound', 'damaged']),
  backups: z.array(
    z.strictObject({
      id: z.string(),
      verdict: z.enum(['sound', 'damaged', 'gone']),
      bytes: count,
      code: code.optional(),
      reason: z.string().optional(),
    }),
  ),
  left: count,
  incomplete: count,
  bytes: count,
  duration: z.number(),
};

const copyReport = {
  v,
  kind: z.literal('copy'),
  backupId: z.string(),
  from: z.string(),
  to: z.string(),
  outcome: z.enum(['copied', 'present']),
  archive,
  files: count,
  bytes: count,
  duration: z.number(),
};

/** The report of each kind of operation, as `jobs` has it. */
export const report = z.discriminatedUnion('kind', [
  z.strictObject(backupReport),
  z.strictObject(restoreReport),
  z.strictObject(restoreCollectionsReport),
  z.strictObject(verifyReport),
  z.strictObject(verifyAllReport),
  z.strictObject(pruneReport),
  z.strictObject(copyReport),
]);

const type = z.literal('summary');

/** The same as the last line of a command. */
export const summary = z.discriminatedUnion('kind', [
  z.strictObject({ type, ...backupReport }),
  z.strictObject({ type, ...restoreReport }),
  z.strictObject({ type, ...restoreCollectionsReport }),
  z.strictObject({ type, ...verifyReport }),
  z.strictObject({ type, ...verifyAllReport }),
  z.strictObject({ type, ...pruneReport }),
  z.strictObject({ type, ...copyReport }),
]);
