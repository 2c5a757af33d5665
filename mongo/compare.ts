import { readFile } from 'node:fs/promises';
import { MongoClient } from 'mongodb';
import { z } from 'zod';
import { captureServer, chunkDocuments, type Capture, type CapturedCollection } from './capture';

/** One thing in which two servers differ. */
export interface Difference {
  /** `db.collection`, or the id of a user or role. */
  readonly namespace: string;
  readonly what: 'presence' | 'type' | 'options' | 'index' | 'documents' | 'user' | 'role';
  /** For people: what `a` and what `b` has. */
  readonly detail: string;
}

/** A capture, the file of one, or a live server that is captured now. */
export type CaptureSource = Capture | string | MongoClient;

const texts = z.record(z.string(), z.string());
const captureSchema = z.object({
  format: z.literal('holdfast-capture/1'),
  collections: z.array(
    z.object({
      namespace: z.string(),
      type: z.string(),
      options: texts,
      indexes: z.record(z.string(), texts),
      order: z.enum(['_id', 'natural']),
      documents: z.number(),
      chunks: z.array(z.string()),
    }),
  ),
  users: texts,
  roles: texts,
});

/** Reads a capture file. @throws ZodError or SyntaxError when it isn't one */
export async function readCapture(file: string): Promise<Capture> {
  return captureSchema.parse(JSON.parse(await readFile(file, 'utf8')));
}

async function captureOf(source: CaptureSource): Promise<Capture> {
  if (typeof source === 'string') return readCapture(source);
  return source instanceof MongoClient ? captureServer(source) : source;
}

type Texts = Readonly<Record<string, string>>;

/** Names in both, one behind the other, with what each side has. */
function* pairs<T>(
  a: Readonly<Record<string, T>>,
  b: Readonly<Record<string, T>>,
): Generator<[name: string, a: T | undefined, b: T | undefined], void, void> {
  for (const name of [...new Set([...Object.keys(a), ...Object.keys(b)])].toSorted()) {
    yield [name, a[name], b[name]];
  }
}

function fieldDifferences(a: Texts, b: Texts): string {
  return [...pairs(a, b)]
    .filter(([, x, y]) => x !== y)
    .map(([name, x, y]) => `${name}: ${x ?? 'absent'} | ${y ?? 'absent'}`)
    .join('; ');
}

function documentDifference(a: CapturedCollection, b: CapturedCollection): string | undefined {
  const parts: string[] = [];
  if (a.documents !== b.documents) parts.push(`${a.documents} | ${b.documents} documents`);
  const chunks = Math.max(a.chunks.length, b.chunks.length);
  for (let chunk = 0; chunk < chunks; chunk++) {
    if (a.chunks[chunk] === b.chunks[chunk]) continue;
    const first = chunk * chunkDocuments;
    parts.push(
      `first differing chunk ${chunk} (documents ${first} to ${first + chunkDocuments - 1} in ${a.order} order)`,
    );
    break;
  }
  return parts.length === 0 ? undefined : parts.join('; ');
}

function* collectionDifferences(
  a: CapturedCollection,
  b: CapturedCollection,
): Generator<Difference, void, void> {
  const { namespace } = a;
  if (a.type !== b.type) {
    yield { namespace, what: 'type', detail: `${a.type} | ${b.type}` };
  }
  const options = fieldDifferences(a.options, b.options);
  if (options !== '') yield { namespace, what: 'options', detail: options };
  for (const [name, x, y] of pairs(a.indexes, b.indexes)) {
    const detail = fieldDifferences(x ?? {}, y ?? {});
    if (detail !== '') yield { namespace, what: 'index', detail: `${name}: ${detail}` };
  }
  const documents = documentDifference(a, b);
  if (documents !== undefined) yield { namespace, what: 'documents', detail: documents };
}

/** What differs between two captures; empty when the servers they were taken of are equal. */
export function compareCaptures(a: Capture, b: Capture): Difference[] {
  const differences: Difference[] = [];
  const byName = (capture: Capture): Record<string, CapturedCollection> =>
    Object.fromEntries(capture.collections.map((one) => [one.namespace, one]));
  for (const [namespace, x, y] of pairs(byName(a), byName(b))) {
    if (x !== undefined && y !== undefined) differences.push(...collectionDifferences(x, y));
    else {
      const detail = `${x === undefined ? 'absent' : 'there'} | ${y === undefined ? 'absent' : 'there'}`;
      differences.push({ namespace, what: 'presence', detail });
    }
  }
  for (const what of ['user', 'role'] as const) {
    for (const [namespace, x, y] of pairs(a[`${what}s`], b[`${what}s`])) {
      if (x !== y)
        differences.push({ namespace, what, detail: `${x ?? 'absent'} | ${y ?? 'absent'}` });
    }
  }
  return differences;
}

/**
 * Compares two servers: by captures, capture files, or live ones that nobody writes to. Every
 * difference names its namespace and what differs; for documents the first chunk that does.
 *
 * @throws HoldfastError HF-MONGO-001, -004, -005, -006 from a live server
 */
export async function compareServers(a: CaptureSource, b: CaptureSource): Promise<Difference[]> {
  return compareCaptures(await captureOf(a), await captureOf(b));
}
