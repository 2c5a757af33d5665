import { z } from 'zod';
import { storageVolume } from '../../config/storage-schema';
import { findStorage } from '../../config/storages';
import type { ReadHandle, UploadSource, UploadState } from '../../storage/contract';
import type { ActivityDependencies } from '../dependencies';
import { requireSpace } from '../disk-space';
import type { RunInfo } from '../steps';
import { uploadStateSchema } from '../upload-state';
import { readCheckpoint, writeCheckpoint } from '../workspace/checkpoint';
import { claimEpoch } from '../workspace/epoch';
import { type CopiedFile, type CopyAttempt, enterCopy } from './copy-directory';

/** Where the last attempt was. */
const stateSchema = z.object({ v: z.literal(1), file: z.string(), upload: uploadStateSchema });

/**
 * Streams every file of the backup from one storage into the other. That what arrived is what MANIFEST
 * says is proven by verifyCopied.
 *
 * Side effect: files in the target. Idempotency key: directory, names and owner; a file that is there
 * whole is passed over. Checkpoint: what the target has acknowledged. Compensation: clearCopy.
 * Timeouts: the heartbeat; a storage that hangs stops the beat.
 * @throws HoldfastError HF-DISK-001, HF-FENCE-001, HF-STORAGE-001, -007, -009
 */
export async function copyFiles(
  dependencies: ActivityDependencies,
  attempt: CopyAttempt,
  run: RunInfo,
): Promise<{ copied: number }> {
  const { ref, directory, files } = await enterCopy(dependencies, run.runId);
  const { signal, progress } = attempt;
  const { config } = dependencies;
  const epoch = await claimEpoch(directory, 'copy');
  const older = await readCheckpoint(epoch, stateSchema);
  const volume = storageVolume(findStorage(config, ref.to));
  const requireRoom = async (bytes: number): Promise<void> => {
    if (volume !== undefined)
      await requireSpace(volume, bytes, 'the copy', config.limits.freeSpace);
  };
  const source = await dependencies
    .openStorage(ref.from)
    .openBackup(ref.directory, ref.backupId, { signal });
  const target = await dependencies
    .openStorage(ref.to)
    .resumeBackup(ref.directory, ref.backupId, ref.owner, { signal });
  const there = await target.listFiles({ signal });
  progress.expect(files.reduce((sum, { size }) => sum + size, 0));
  let copied = 0;
  for (const file of files) {
    const { name, size } = file;
    const begin = copied;
    if (!there.some((found) => found.name === name && found.size === size)) {
      const resume = older?.file === name ? older.upload : undefined;
      await requireRoom(size - (resume?.acknowledged ?? 0));
      const advance = (done: number): void => progress.advance(begin + done, name);
      await target.uploadFile(name, contentOf(source, file, attempt, advance), {
        signal,
        attempt: ref.began + epoch.number,
        ...(resume === undefined ? {} : { resume }),
        onProgress: async (upload: UploadState) => {
          await writeCheckpoint(epoch, { v: 1, file: name, upload });
          await requireRoom(0);
        },
      });
    }
    copied += size;
    progress.advance(copied, name);
  }
  return { copied };
}

function contentOf(
  source: ReadHandle,
  { name, size }: CopiedFile,
  { signal, pace }: CopyAttempt,
  advance: (done: number) => void,
): UploadSource {
  return {
    size,
    async *read(start, readSignal) {
      if (start >= size) return;
      let done = start;
      const range = { start, end: size };
      const content: AsyncIterable<Buffer> = await source.readFile(name, range, {
        signal: readSignal ?? signal,
      });
      for await (const chunk of pace.write.through(pace.read.through(content))) {
        yield chunk;
        done += chunk.length;
        advance(done);
      }
    },
  };
}
