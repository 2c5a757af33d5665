import { z } from 'zod';
import { indexFileSchema } from '../../archive/index-line';
import { NamespaceSelection } from '../../core/namespace-selection';
import type { CollectionsRequest, OperationRef } from '../../core/operation';
import { StepResult } from '../workspace/step-result';

/** Where content lies: an entry of the fetched archive, or a file of the host. */
const locationSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('entry'), line: indexFileSchema }),
  z.object({ kind: z.literal('file'), path: z.string(), gzip: z.boolean() }),
]);

/** Where the content of a collection or of the oplog lies. */
export type Location = z.infer<typeof locationSchema>;

const chosenCollectionSchema = z.object({
  /** As the backup has it. */
  source: z.string(),
  /** Under which name it is restored. */
  database: z.string(),
  name: z.string(),
  metadata: z.string(),
  documents: z.number(),
  bytes: z.number(),
  data: locationSchema.optional(),
});

/** A collection that is restored; views have no data. */
export type ChosenCollection = z.infer<typeof chosenCollectionSchema>;

const chosenSchema = z.object({
  collections: z.array(chosenCollectionSchema),
  oplog: z.object({ entries: z.number(), data: locationSchema }).optional(),
  /** Where the oplog window of a backup ends. */
  oplogEnd: z.object({ t: z.number(), i: z.number() }).optional(),
  /** Namespaces that are not chosen. */
  left: z.number(),
  /** Patterns that no namespace of the source matches. */
  unmatched: z.array(z.string()),
  /** Of the mongod that was dumped; empty when it is not known. */
  serverVersion: z.string(),
});

/** What was chosen, found and proven. */
export type Chosen = z.infer<typeof chosenSchema>;

/** Written when everything that was chosen has been proven: nothing is loaded before. */
export const chosenCollections = new StepResult('chosen', chosenSchema);

/** What a source holds, before it is proven. */
export const fetchedCollections = new StepResult(
  'fetch-collections',
  chosenSchema.extend({
    /** Bytes read from the storage, or of the dump's files. */
    read: z.number(),
    /** Bytes of the whole archive. */
    archiveSize: z.number().optional(),
    /** Name of the archive or path of the dump, for errors. */
    name: z.string(),
  }),
);

/** What fetchCollections found. */
export type FetchedCollections = Awaited<ReturnType<typeof fetchedCollections.read>>;

/** What this operation was asked for. @throws Error when it is another kind of operation: a defect. */
export function requestOf(ref: OperationRef): CollectionsRequest {
  if (ref.collections === undefined)
    throw new Error(`${ref.kind} ${ref.runId} names no collections`);
  return ref.collections;
}

/** Which namespaces this operation restores, and under which names. */
export function selectionOf(ref: OperationRef): NamespaceSelection {
  return new NamespaceSelection(requestOf(ref));
}
