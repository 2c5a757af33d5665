import { storageVolume } from '../../config/storage-schema';
import { findStorage } from '../../config/storages';
import { openRope, readRope } from '../../archive/rope-file';
import type { ArchiveFacts } from '../../core/messages';
import type { OperationRef } from '../../core/operation';
import type { ActivityDependencies } from '../dependencies';
import { requireSpace } from '../disk-space';
import { enterJournaled } from '../operation';
import type { Attempt } from '../step';
import { uploadStateSchema } from '../upload-state';
import { readCheckpoint, writeCheckpoint } from '../workspace/checkpoint';
import { claimEpoch } from '../workspace/epoch';
import { ropePath } from './rope-files';

/**
 * Streams the rope into the storage.
 *
 * Side effect: one file in the backup's storage directory. Idempotency key: directory, name and
 * owner. Checkpoint: what the storage has acknowledged. Compensation: undoBackup. Timeouts: the
 * heartbeat; a storage that hangs stops the beat.
 */
export async function storeArchive(
  dependencies: ActivityDependencies,
  attempt: Attempt,
  ref: OperationRef,
  archive: ArchiveFacts,
): Promise<{ stored: number }> {
  const { directory } = await enterJournaled(dependencies, ref);
  const { signal, progress, pace } = attempt;
  const epoch = await claimEpoch(directory, 'store');
  const resume = await readCheckpoint(epoch, uploadStateSchema);
  const floor = dependencies.config.limits.freeSpace;
  const volume = storageVolume(findStorage(dependencies.config, ref.plan.storage));
  const requireRoom = async (bytes: number): Promise<void> => {
    if (volume !== undefined) await requireSpace(volume, bytes, 'the archive', floor);
  };
  await requireRoom(archive.size - (resume?.acknowledged ?? 0));
  const rope = await readRope(ropePath(directory));
  const storage = dependencies.openStorage(ref.plan.storage);
  const handle = await storage.resumeBackup(ref.directory, ref.backupId, ref.owner, { signal });
  progress.expect(rope.size);
  const stored = await handle.uploadFile(
    archive.name,
    {
      size: rope.size,
      async *read(start, readSignal) {
        let done = start;
        const content = openRope(rope, directory, start, readSignal ?? signal);
        for await (const chunk of pace.write.through(content)) {
          yield chunk;
          done += chunk.length;
          progress.advance(done);
        }
      },
    },
    {
      signal,
      attempt: epoch.number,
      ...(resume === undefined ? {} : { resume }),
      onProgress: async (state) => {
        await writeCheckpoint(epoch, state);
        await requireRoom(0);
      },
    },
  );
  return { stored: stored.size };
}
