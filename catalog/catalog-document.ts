import type { Binary, Document } from 'mongodb';
import { z } from 'zod';
import { datasetSchema, manifestSchema } from '../archive/manifest';
import type { ScannedBackup } from '../storage/contract';
import { judge, type BackupSummary } from './backup-summary';
import { datasetsOf, type AtomBackup, type BackupDatasets, type Dataset } from './find-atoms';
import { isPinned, lastVerified } from './marks';
import type { StoredBackup } from './storage-catalog';

/** What a catalog keeps of a backup beside its datasets. */
export interface CatalogBackup extends Omit<AtomBackup, 'verified' | 'pinned'> {
  /** As the storage's listing shows it: it tells the marks. */
  readonly scanned: ScannedBackup;
  /** The bytes of its MANIFEST. */
  readonly manifest: Uint8Array;
}

const storedFile = z.object({
  name: z.string(),
  size: z.number(),
  etag: z.string(),
  modified: z.number(),
});

const bytes = z.custom<Binary>(
  (value) => typeof value === 'object' && value !== null && 'buffer' in value,
);

const listing = z.object({
  id: z.string(),
  controller: z.string(),
  files: z.array(storedFile),
  modified: z.number(),
  manifest: bytes.nullable(),
});

const facts = z.object({
  id: z.string(),
  controller: z.string(),
  started: z.date(),
  finished: z.date(),
  hosts: manifestSchema.shape.hosts,
  purpose: manifestSchema.shape.purpose,
  outcome: manifestSchema.shape.outcome,
  files: z.array(storedFile.pick({ name: true })),
  datasets: z.array(
    datasetSchema.extend({
      host: z.string().nullable(),
      snapshotId: z.string().nullish(),
      file: z.string().nullish(),
    }),
  ),
});

/** Fields of a document that `readSummary` needs. */
export const summaryFields = ['id', 'controller', 'files', 'modified', 'manifest'] as const;
/** Fields of a document that `readDatasets` needs. */
export const datasetFields = Object.keys(facts.shape);

/** Only a complete backup has datasets that can be asked for. */
export const withDatasets = { datasets: { $exists: true } } as const;

/** The facts of a backup as a document holds them, without its datasets. */
export function backupFields(backup: CatalogBackup): Document {
  const { id, controller, started, finished, hosts, purpose, outcome, scanned, manifest } = backup;
  return {
    ...listingFields(scanned, manifest),
    id,
    controller,
    started: new Date(started),
    finished: new Date(finished),
    hosts,
    purpose,
    outcome,
  };
}

/** What is kept of a backup that is incomplete or damaged, too. */
export function listingFields(
  { name, directory, files, modified }: ScannedBackup,
  manifest: Uint8Array | undefined,
): Document {
  return {
    id: name,
    controller: directory,
    files: files.map((file) => ({ ...file })),
    modified,
    manifest: manifest === undefined ? null : Buffer.from(manifest),
  };
}

/** A dataset as a document holds it. */
export function datasetFieldsOf({ host, snapshotId, file, ...dataset }: Dataset): Document {
  return { ...dataset, host: host ?? null, snapshotId: snapshotId ?? null, file: file ?? null };
}

/** What the storage gave, as `addDataset` takes it; undefined unless the backup is complete. */
export function catalogBackup(
  stored: StoredBackup,
): { readonly backup: CatalogBackup; readonly datasets: readonly Dataset[] } | undefined {
  const { summary, scanned, manifest: held } = stored;
  if (summary.status !== 'complete' || held === undefined) return undefined;
  const { id, controller, started, finished, purpose, outcome, manifest } = summary;
  const { hosts } = manifest;
  const told = { id, controller, started, finished, hosts, purpose, outcome };
  return { backup: { ...told, scanned, manifest: held }, datasets: datasetsOf(manifest) };
}

function parsed<T extends z.ZodType>(schema: T, document: Document): z.output<T> {
  const { data, error } = schema.safeParse(document);
  if (data !== undefined) return data;
  const issue = error?.issues[0];
  const where = `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`;
  throw new Error(`it holds an entry that cannot be read: ${where}`, { cause: error });
}

/** The summary of a document, as of the storage named. @throws Error when it is another's document */
export function readSummary(storage: string, document: Document): BackupSummary {
  const { id, controller, files, modified, manifest } = parsed(listing, document);
  const scanned = { directory: controller, name: id, files, modified };
  return judge(storage, scanned, manifest === null ? undefined : manifest.buffer);
}

/** The datasets of a document. @throws Error when it is another's document */
export function readDatasets(document: Document): BackupDatasets {
  const { datasets, files, started, finished, ...backup } = parsed(facts, document);
  return {
    backup: {
      ...backup,
      started: started.toISOString(),
      finished: finished.toISOString(),
      verified: lastVerified(files),
      pinned: isPinned(files),
    },
    datasets: datasets.map(({ host, snapshotId, file, ...dataset }) => ({
      ...dataset,
      host: host ?? undefined,
      ...(typeof snapshotId === 'string' ? { snapshotId } : {}),
      ...(typeof file === 'string' ? { file } : {}),
    })),
  };
}
