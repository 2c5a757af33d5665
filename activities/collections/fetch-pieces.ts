import { constants, createReadStream } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { readIndex } from '../../archive/index-file';
import { indexFileSchema, type IndexFile } from '../../archive/index-line';
import { parseManifest } from '../../archive/manifest';
import { readSmallEntry, type ContentRange, type ReadRange } from '../../archive/read-entry';
import { writeFileDurably } from '../../config/durable-file';
import type { OperationRef } from '../../core/operation';
import { splitNamespace } from '../../mongo/namespaces';
import { indexName, manifestName } from '../../storage/contract';
import type { ActivityDependencies } from '../dependencies';
import { requireSpace } from '../disk-space';
import { archiveFacts } from '../restore/manifest-facts';
import { collectionName } from '../restore/dumped-collections';
import { smallEntry } from '../restore/local-archive';
import { runFiles } from '../restore/run-files';
import type { Attempt } from '../step';
import { readCheckpoint, writeCheckpoint } from '../workspace/checkpoint';
import { claimEpoch, type Epoch } from '../workspace/epoch';
import { chooseEntries, rangesOf, type ChosenEntries } from './choose-entries';
import { selectionOf, type ChosenCollection, type FetchedCollections } from './chosen';
import { archivePieces } from './chosen-content';
import { CountingReader } from './counting-reader';

const checkpointEvery = 64 * 1024 * 1024;
const stateSchema = z.object({ v: z.literal(1), done: z.number() });

/**
 * Fetches of a backup only what holds the chosen collections: MANIFEST, INDEX, and of the archive the
 * gzip members with their metadata, their data and the oplog, each written at its own offset of a
 * file that is empty in between. That they are sound is proven by inspectCollections.
 *
 * @throws HoldfastError HF-STORAGE-001, HF-STORAGE-007, HF-MANIFEST-001, HF-ARCHIVE-001, HF-DISK-001
 */
export async function fetchPieces(
  dependencies: ActivityDependencies,
  attempt: Attempt,
  ref: OperationRef,
  directory: string,
): Promise<FetchedCollections> {
  const { signal, progress } = attempt;
  const epoch = await claimEpoch(directory, 'fetch-collections');
  const older = await readCheckpoint(epoch, stateSchema);
  const storage = dependencies.openStorage(ref.plan.storage);
  const handle = await storage.openBackup(ref.directory, ref.backupId, { signal });
  const reader = new CountingReader(handle, signal);
  const manifestBytes = await reader.whole(manifestName);
  const manifest = parseManifest(manifestBytes, ref.backupId);
  const archive = archiveFacts(manifest);
  await writeFileDurably(runFiles.manifest(directory), manifestBytes);
  await writeFileDurably(runFiles.index(directory), await reader.whole(indexName));
  const { name } = archive;
  const stored: ReadRange = (range) => Promise.resolve(reader.content(name, range));
  const chosen = await chooseEntries(
    readIndex(createReadStream(runFiles.index(directory)), {
      archive: name,
      expect: manifest.index,
      signal,
    }),
    selectionOf(ref),
    async (line) => collectionName(await readMetadata(line, stored, name, signal), name, line.path),
  );
  const ranges = rangesOf(entriesOf(chosen));
  const size = ranges.reduce((sum, { start, end }) => sum + end - start, 0);
  progress.expect(size);
  const floor = dependencies.config.limits.freeSpace;
  await requireSpace(directory, size, 'the fetched collections', floor);
  // Not truncated: an attempt before this one may have written the beginning.
  const flags = constants.O_RDWR | constants.O_CREAT;
  const file = await open(join(directory, archivePieces), flags, 0o600);
  try {
    await copyRanges(reader, name, ranges, older?.done ?? 0, file, epoch, attempt);
    await file.sync();
  } finally {
    await file.close();
  }
  const local: ReadRange = ({ start, end }) =>
    Promise.resolve(createReadStream(join(directory, archivePieces), { start, end: end - 1 }));
  const collections: ChosenCollection[] = [];
  for (const one of chosen.collections) {
    const metadata = await readMetadata(one.metadata, local, name, signal);
    collections.push(describe(one, metadata, ref));
  }
  return {
    collections,
    ...(chosen.oplog === undefined
      ? {}
      : {
          oplog: {
            entries: chosen.oplog.documents ?? 0,
            data: { kind: 'entry', line: toJson(chosen.oplog) },
          },
        }),
    ...(manifest.mongo === null ? {} : { oplogEnd: manifest.mongo.oplog.end.ts }),
    left: chosen.left,
    unmatched: [...chosen.unmatched],
    serverVersion: manifest.mongo?.version ?? '',
    read: reader.read,
    archiveSize: archive.size,
    name,
  };
}

function entriesOf({ collections, oplog }: ChosenEntries): IndexFile[] {
  const entries = collections.flatMap(({ metadata, data }) =>
    data === undefined ? [metadata] : [metadata, data],
  );
  // Without a collection there is nothing that the oplog could be replayed onto.
  return oplog === undefined || entries.length === 0 ? entries : [...entries, oplog];
}

async function readMetadata(
  line: IndexFile,
  read: ReadRange,
  archive: string,
  signal: AbortSignal,
): Promise<string> {
  const bytes = await readSmallEntry(line, read, { archive, limit: smallEntry, signal });
  return bytes.toString('utf8');
}

function describe(
  { source, data }: ChosenEntries['collections'][number],
  metadata: string,
  ref: OperationRef,
): ChosenCollection {
  const target = splitNamespace(selectionOf(ref).target(source) ?? source);
  return {
    source,
    database: target.database,
    name: target.collection,
    metadata,
    documents: data?.documents ?? 0,
    bytes: data?.size ?? 0,
    ...(data === undefined ? {} : { data: { kind: 'entry', line: toJson(data) } }),
  };
}

/** Copies ranges of the stored archive to their own places, from byte `start` of all of them on. */
async function copyRanges(
  reader: CountingReader,
  archive: string,
  ranges: readonly ContentRange[],
  start: number,
  file: FileHandle,
  epoch: Epoch,
  { progress, pace }: Attempt,
): Promise<void> {
  let before = 0;
  let done = start;
  let checkpointed = start;
  for (const range of ranges) {
    const length = range.end - range.start;
    const skip = Math.min(length, Math.max(0, start - before));
    before += length;
    if (skip === length) continue;
    let at = range.start + skip;
    const content = reader.content(archive, { start: at, end: range.end });
    for await (const chunk of pace.read.through(content)) {
      await file.write(chunk, 0, chunk.length, at);
      at += chunk.length;
      done += chunk.length;
      progress.advance(done);
      if (done - checkpointed < checkpointEvery) continue;
      await file.datasync();
      await writeCheckpoint(epoch, { v: 1, done });
      checkpointed = done;
    }
  }
}

/** A line as JSON keeps it. */
function toJson(line: IndexFile) {
  return indexFileSchema.parse(line);
}
