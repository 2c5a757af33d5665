import { createHash } from 'node:crypto';
import { z } from 'zod';
import { HoldfastError } from '../core/errors';

/** `format` of every MANIFEST this version writes. */
export const manifestFormat = 'holdfast-manifest/1';

/** Largest MANIFEST, bytes. */
export const manifestLimit = 64 * 1024;

const bytes = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const time = z.string().datetime({ offset: true });
const opTime = z.object({
  /** Seconds and increment of the oplog timestamp. */
  ts: z.object({ t: bytes, i: bytes }),
  t: z.number().int(),
});

const fileSchema = z.object({
  name: z.string().min(1),
  host: z.string(),
  content: z.object({ size: bytes, sha256, sha1Base64: z.string() }),
  stored: z.object({ size: bytes, sha256 }),
  compression: z.string(),
  encryption: z
    .object({
      scheme: z.string(),
      headerBytes: bytes,
      chunkBytes: bytes,
      recipients: z.array(z.string()),
    })
    .nullable(),
});

/** Schema of a dataset in a MANIFEST. */
export const datasetSchema = z.object({
  id: z.string(),
  source: z.string(),
  handler: z.string(),
  repository: z.string(),
  snapshotId: z.string().optional(),
  file: z.string().optional(),
  atoms: z.array(z.string()),
  totalFiles: bytes,
  totalBytes: bytes,
  bytesAdded: bytes,
  durationMs: bytes,
});

const mongoSchema = z.object({
  version: z.string(),
  fcv: z.string(),
  replicaSet: z.string(),
  node: z.string(),
  dataIdentity: z.string(),
  oplog: z.object({
    start: opTime,
    end: opTime,
    entries: bytes,
    firstEntrySha256: sha256.nullable(),
  }),
});

/** Schema of MANIFEST. Keys it does not know are passed over; `kind` may be one it does not know. */
export const manifestSchema = z.object({
  format: z.literal(manifestFormat),
  backupId: z.string(),
  owner: z.string(),
  controller: z.object({
    name: z.string(),
    controllerUuid: z.string(),
    modelUuid: z.string(),
    replicaSetId: z.string(),
  }),
  hosts: z.array(z.object({ machine: z.string(), hostname: z.string() })),
  purpose: z.enum(['manual', 'scheduled', 'safety']),
  kind: z.string(),
  outcome: z.enum(['complete', 'partial']),
  chain: z.object({ id: z.string(), parent: z.string(), sequence: bytes }).nullable(),
  started: time,
  finished: time,
  notes: z.string(),
  tags: z.array(z.string()),
  tool: z.object({ name: z.string(), version: z.string() }),
  metadata: z.record(z.string(), z.union([z.string(), z.number()])),
  mongo: mongoSchema.nullable(),
  datasets: z.array(datasetSchema),
  files: z.array(fileSchema),
  index: z.object({ name: z.string(), size: bytes, sha256 }),
  /** The file of another's making that the archive was laid out anew from. */
  origin: z.object({ name: z.string(), size: bytes, sha256, sha1Base64: z.string() }).optional(),
});

/** What a backup says about itself; its presence makes the backup complete. Times are RFC 3339. */
export type Manifest = z.infer<typeof manifestSchema>;
/** A file of a backup: `content` before encryption, `stored` as the storage holds it. */
export type ManifestFile = z.infer<typeof fileSchema>;
export type ManifestDataset = z.infer<typeof datasetSchema>;
export type ManifestMongo = z.infer<typeof mongoSchema>;

/** How every MANIFEST ends: what comes before this line is what it digests. */
const seal = /^ {2}"digest": "([0-9a-f]{64})"\n\}\n$/;
const sealLength = Buffer.byteLength(sealOf(Buffer.alloc(0)));

function sealOf(content: Uint8Array): string {
  return `  "digest": "${createHash('sha256').update(content).digest('hex')}"\n}\n`;
}

function isSealed(content: Uint8Array): boolean {
  const end = Buffer.from(content.subarray(-sealLength)).toString('latin1');
  return seal.test(end) && end === sealOf(content.subarray(0, -sealLength));
}

function problem(backup: string, reason: string, cause?: unknown): HoldfastError {
  return new HoldfastError('HF-MANIFEST-001', { backup, reason }, { cause });
}

/**
 * Reads a MANIFEST. `backup` names it in errors.
 * @throws HoldfastError HF-MANIFEST-001 when it is too large, no JSON, of another format or incomplete,
 * or when a byte of it has changed.
 */
export function parseManifest(content: Uint8Array, backup: string): Manifest {
  if (content.byteLength > manifestLimit) {
    throw problem(backup, `it has ${content.byteLength} bytes, ${manifestLimit} are allowed`);
  }
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(content));
  } catch (cause) {
    throw problem(backup, 'it is not JSON', cause);
  }
  const parsed = manifestSchema.safeParse(json);
  if (parsed.success) {
    if (isSealed(content)) return parsed.data;
    throw problem(backup, 'its bytes are not those of its digest');
  }
  const issue = parsed.error.issues[0];
  const where = issue === undefined ? '' : `${issue.path.join('.')}: ${issue.message}`;
  throw problem(backup, where, parsed.error);
}

/**
 * The bytes of a MANIFEST: indented JSON in the order of the format, the digest last. The same
 * manifest always gives the same bytes.
 * @throws HoldfastError HF-MANIFEST-001 when it does not fit the format or 64 KiB.
 */
export function serializeManifest(manifest: Manifest): Buffer {
  const checked = manifestSchema.safeParse(manifest);
  if (!checked.success) {
    throw problem(manifest.backupId, z.prettifyError(checked.error), checked.error);
  }
  const open = JSON.stringify(checked.data, undefined, 2).replace(/\n\}$/, ',\n');
  const content = Buffer.concat([Buffer.from(open), Buffer.from(sealOf(Buffer.from(open)))]);
  if (content.length > manifestLimit) {
    throw problem(
      manifest.backupId,
      `it would have ${content.length} bytes, ${manifestLimit} are allowed`,
    );
  }
  return content;
}

/** Whether this version can restore such a backup: an unknown kind is listed, never restored. */
export function isRestorable(manifest: Manifest): boolean {
  return manifest.kind === 'full' && manifest.chain === null;
}
