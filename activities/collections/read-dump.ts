import { mkdir, open, rm, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { errorText, HoldfastError, isHoldfastError } from '../../core/errors';
import type { OperationRef } from '../../core/operation';
import { BsonFrameError } from '../../mongo/bson-frames';
import {
  isGzip,
  listDumpDirectory,
  readDumpFile,
  type DumpFile,
} from '../../mongo/mongodump-directory';
import { readMongodumpArchive, type ArchivePrelude } from '../../mongo/mongodump-archive';
import {
  bucketsNamespace,
  bucketsPrefix,
  isDumpedCollection,
  splitNamespace,
} from '../../mongo/namespaces';
import type { ActivityDependencies } from '../dependencies';
import { requireSpace } from '../disk-space';
import type { Attempt } from '../step';
import { claimEpoch } from '../workspace/epoch';
import { requestOf, selectionOf, type ChosenCollection, type FetchedCollections } from './chosen';

/** Metadata of a collection that has none: no options, and the indexes that every collection has. */
const noMetadata = '{"indexes":[]}';
const spaceEvery = 64 * 1024 * 1024;
const oplogName = 'oplog';

/**
 * Finds what was chosen in what `mongodump` wrote: of a directory only names and metadata are read;
 * an archive is read once from its first byte to its last, proven on the way, and what was chosen is
 * laid into the run's directory, a file a collection.
 *
 * @throws HoldfastError HF-SOURCE-001 when there is nothing to read, HF-ARCHIVE-001 naming the entry
 * and its byte, HF-DISK-001
 */
export async function readDump(
  dependencies: ActivityDependencies,
  attempt: Attempt,
  ref: OperationRef,
  directory: string,
): Promise<FetchedCollections> {
  const path = requestOf(ref).dump ?? '';
  try {
    const isDirectory = (await stat(path)).isDirectory();
    return isDirectory
      ? await readDirectory(ref, path)
      : await spoolArchive(dependencies, attempt, ref, path, directory);
  } catch (error) {
    attempt.signal.throwIfAborted();
    if (isHoldfastError(error)) throw error;
    if (error instanceof BsonFrameError) {
      const params = { archive: path, where: `byte ${error.offset}`, reason: errorText(error) };
      throw new HoldfastError('HF-ARCHIVE-001', params, { cause: error });
    }
    throw new HoldfastError('HF-SOURCE-001', { path, reason: errorText(error) }, { cause: error });
  }
}

async function readDirectory(ref: OperationRef, path: string): Promise<FetchedCollections> {
  const { entries, oplog, serverVersion } = await listDumpDirectory(path);
  if (entries.length === 0) {
    throw new HoldfastError('HF-SOURCE-001', { path, reason: 'no database directory lies in it' });
  }
  const selection = selectionOf(ref);
  const known = entries.map(({ database, name }) => `${database}.${name}`);
  const collections = entries
    .filter(({ database, name }) => isChosen(ref, database, name))
    .map(({ database, name, metadata = noMetadata, data }): ChosenCollection => ({
      ...named(ref, `${database}.${name}`, metadata),
      ...(data === undefined ? {} : { data: { kind: 'file', ...data } }),
    }));
  const all = [...(oplog === undefined ? [] : [oplog]), ...filesOf(collections)];
  const sizes = await Promise.all(all.map(async (file) => (await stat(file.path)).size));
  return {
    collections,
    ...(oplog === undefined ? {} : { oplog: { entries: 0, data: { kind: 'file', ...oplog } } }),
    left: known.length - collections.length,
    unmatched: [...selection.unmatched(known)],
    serverVersion,
    read: sizes.reduce((sum, size) => sum + size, 0),
    name: path,
  };
}

function filesOf(collections: readonly ChosenCollection[]): DumpFile[] {
  return collections.flatMap(({ data }) => (data?.kind === 'file' ? [data] : []));
}

function isChosen(ref: OperationRef, database: string, name: string): boolean {
  return isDumpedCollection(database, name) && selectionOf(ref).isChosen(`${database}.${name}`);
}

/** A collection under the name it is to have, without its data. */
function named(ref: OperationRef, source: string, metadata: string): ChosenCollection {
  const target = splitNamespace(selectionOf(ref).target(source) ?? source);
  return {
    source,
    database: target.database,
    name: target.collection,
    metadata,
    documents: 0,
    bytes: 0,
  };
}

/** Files of one attempt, one for each collection, and the oplog's. */
class Spool {
  readonly #files = new Map<string, { readonly path: string; readonly file: FileHandle }>();
  #next = 0;
  #written = 0;
  #seen = 0;

  constructor(
    private readonly directory: string,
    private readonly need: (bytes: number) => Promise<void>,
  ) {}

  async write(namespace: string, bytes: Buffer): Promise<void> {
    const { file } = await this.#open(namespace);
    await file.writeFile(bytes);
    this.#written += bytes.length;
    if (this.#written - this.#seen < spaceEvery) return;
    this.#seen = this.#written;
    await this.need(spaceEvery);
  }

  /** Makes a collection's file durable and closes it; a file without content is one, too. */
  async end(namespace: string): Promise<string> {
    const { path, file } = await this.#open(namespace);
    await file.sync();
    await file.close();
    this.#files.delete(namespace);
    return path;
  }

  async close(): Promise<void> {
    for (const { file } of this.#files.values()) await file.close();
  }

  async #open(namespace: string) {
    const known = this.#files.get(namespace);
    if (known !== undefined) return known;
    const path = join(this.directory, `${this.#next++}.bson`);
    const opened = { path, file: await open(path, 'w', 0o600) };
    this.#files.set(namespace, opened);
    return opened;
  }
}

async function spoolArchive(
  dependencies: ActivityDependencies,
  attempt: Attempt,
  ref: OperationRef,
  path: string,
  directory: string,
): Promise<FetchedCollections> {
  const { signal, progress } = attempt;
  const size = (await stat(path)).size;
  const epoch = await claimEpoch(directory, 'fetch-collections');
  // What attempts before this one laid down takes room, and nobody reads it.
  for (let older = 1; older < epoch.number; older++) {
    await rm(join(epoch.directory, `spool-${older}`), { recursive: true, force: true });
  }
  const floor = dependencies.config.limits.freeSpace;
  await mkdir(epoch.own('spool'), { mode: 0o700 });
  const spool = new Spool(epoch.own('spool'), async (bytes) => {
    await epoch.check();
    await requireSpace(directory, bytes, 'the collections of the dump', floor);
  });
  let prelude: ArchivePrelude | undefined;
  const ended = new Map<string, { path: string; documents: number; bytes: number }>();
  let done = 0;
  try {
    const gzip = await isGzip(path);
    const content = attempt.pace.read.through(readDumpFile({ path, gzip }, 0, signal));
    for await (const part of readMongodumpArchive(content)) {
      signal.throwIfAborted();
      if (part.type === 'prelude') {
        prelude = part.prelude;
        continue;
      }
      const namespace = `${part.database}.${part.collection}`;
      const isWanted = isOplog(part) || isChosen(ref, part.database, plainName(part.collection));
      if (part.type === 'documents') {
        done += part.bytes.length;
        progress.advance(done, namespace);
        if (isWanted) await spool.write(namespace, part.bytes);
      } else if (isWanted) {
        const { documents, bytes } = part;
        ended.set(namespace, { path: await spool.end(namespace), documents, bytes });
      }
    }
  } finally {
    await spool.close();
  }
  await epoch.check();
  return fromArchive(ref, path, size, prelude, ended);
}

function isOplog({ database, collection }: { database: string; collection: string }): boolean {
  return database === '' && collection === oplogName;
}

function plainName(collection: string): string {
  return collection.startsWith(bucketsPrefix) ? collection.slice(bucketsPrefix.length) : collection;
}

function fromArchive(
  ref: OperationRef,
  path: string,
  size: number,
  prelude: ArchivePrelude | undefined,
  ended: ReadonlyMap<string, { path: string; documents: number; bytes: number }>,
): FetchedCollections {
  const namespaces = (prelude?.namespaces ?? []).filter((one) => !isOplog(one));
  const known = namespaces.map(
    ({ database, collection }) => `${database}.${plainName(collection)}`,
  );
  const collections = namespaces
    .filter(({ database, collection }) => isChosen(ref, database, plainName(collection)))
    .map(({ database, collection, metadata }): ChosenCollection => {
      // The header names a time series, its documents come under the name of its buckets.
      const namespace = `${database}.${collection}`;
      const found = ended.get(namespace) ?? ended.get(bucketsNamespace(namespace));
      const one = named(ref, `${database}.${plainName(collection)}`, metadata || noMetadata);
      if (found === undefined) return one;
      const { path: file, documents, bytes } = found;
      return { ...one, documents, bytes, data: { kind: 'file', path: file, gzip: false } };
    });
  const oplog = ended.get(`.${oplogName}`);
  return {
    collections,
    ...(oplog === undefined
      ? {}
      : {
          oplog: {
            entries: oplog.documents,
            data: { kind: 'file', path: oplog.path, gzip: false },
          },
        }),
    left: known.length - collections.length,
    unmatched: [...selectionOf(ref).unmatched(known)],
    serverVersion: prelude?.serverVersion ?? '',
    read: size,
    name: path,
  };
}
