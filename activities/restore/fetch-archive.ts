import { constants } from 'node:fs';
import { copyFile, open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { parseManifest } from '../../archive/manifest';
import { writeFileDurably } from '../../config/durable-file';
import type { ArchiveFacts } from '../../core/messages';
import type { OperationRef } from '../../core/operation';
import { indexName, manifestName, type ReadHandle } from '../../storage/contract';
import type { ActivityDependencies } from '../dependencies';
import { requireSpace } from '../disk-space';
import { enterFirst } from '../operation';
import { readWhole } from '../read-whole';
import type { Attempt } from '../step';
import { readCheckpoint, writeCheckpoint } from '../workspace/checkpoint';
import { claimEpoch, type Epoch } from '../workspace/epoch';
import { StepResult } from '../workspace/step-result';
import { archiveFacts } from './manifest-facts';
import { runFiles } from './run-files';

const checkpointEvery = 64 * 1024 * 1024;

const stateSchema = z.object({ v: z.literal(1), file: z.string(), done: z.number() });
type FetchState = z.infer<typeof stateSchema>;

/** Where the fetched archive lies, relative to the run directory. */
export const fetchedArchive = new StepResult(
  'fetch',
  z.object({
    file: z.string(),
    archive: z.object({
      name: z.string(),
      size: z.number(),
      sha256: z.string(),
      sha1Base64: z.string(),
    }),
  }),
);

/**
 * Fetches MANIFEST, INDEX and the archive into the run directory. That they are sound is proven by
 * inspectArchive.
 *
 * Side effect: files in the run directory. Idempotency key: the run id. Checkpoint: the bytes that
 * are durable in an attempt's own file; the next attempt copies them and goes on from there.
 * Compensation: discardRun or undoRestore. Timeouts: the heartbeat.
 * @throws HoldfastError HF-STORAGE-001, HF-STORAGE-007, HF-MANIFEST-001, HF-DISK-001
 */
export async function fetchArchive(
  dependencies: ActivityDependencies,
  attempt: Attempt,
  ref: OperationRef,
): Promise<ArchiveFacts> {
  const { directory } = await enterFirst(dependencies, attempt, ref);
  const done = await fetchedArchive.find(directory);
  if (done !== undefined) return done.archive;
  const { signal, progress } = attempt;
  const storage = dependencies.openStorage(ref.plan.storage);
  const handle = await storage.openBackup(ref.directory, ref.backupId, { signal });
  const manifestBytes = await readWhole(handle, manifestName, signal);
  const archive = archiveFacts(parseManifest(manifestBytes, ref.backupId));
  await writeFileDurably(runFiles.manifest(directory), manifestBytes);
  await writeFileDurably(runFiles.index(directory), await readWhole(handle, indexName, signal));
  progress.expect(archive.size);

  const epoch = await claimEpoch(directory, 'fetch');
  const older = await readCheckpoint(epoch, stateSchema);
  const name = join('fetch', `archive-${epoch.number}`);
  const floor = dependencies.config.limits.freeSpace;
  await requireSpace(directory, archive.size, 'the fetched archive', floor);
  const start = await takeOver(directory, older, name);
  const file = await open(join(directory, name), 'r+');
  try {
    await copyFrom(handle, archive, start, file, epoch, name, attempt);
    await file.sync();
  } finally {
    await file.close();
  }
  await fetchedArchive.write(directory, { file: name, archive });
  return archive;
}

/** Creates this attempt's file with what an older attempt made durable; tells how much that is, bytes. */
async function takeOver(
  directory: string,
  older: FetchState | undefined,
  name: string,
): Promise<number> {
  const path = join(directory, name);
  if (older === undefined) {
    await (await open(path, 'wx', 0o600)).close();
    return 0;
  }
  await copyFile(
    join(directory, older.file),
    path,
    constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE,
  );
  const file = await open(path, 'r+');
  try {
    await file.truncate(older.done);
  } finally {
    await file.close();
  }
  return older.done;
}

async function copyFrom(
  handle: ReadHandle,
  archive: ArchiveFacts,
  start: number,
  file: FileHandle,
  epoch: Epoch,
  name: string,
  { signal, progress, pace }: Attempt,
): Promise<void> {
  if (start >= archive.size) return;
  let done = start;
  let checkpointed = start;
  const range = { start, end: archive.size };
  const content = await handle.readFile(archive.name, range, { signal });
  for await (const chunk of pace.read.through(content)) {
    await file.write(chunk, 0, chunk.length, done);
    done += chunk.length;
    progress.advance(done);
    if (done - checkpointed < checkpointEvery) continue;
    await file.datasync();
    await writeCheckpoint(epoch, { v: 1, file: name, done } satisfies FetchState);
    checkpointed = done;
  }
}
