import { createHash } from 'node:crypto';
import { HoldfastError } from '../../core/errors';
import type { ArchiveFacts } from '../../core/messages';
import type { OperationRef } from '../../core/operation';
import type { ActivityDependencies } from '../dependencies';
import { enterJournaled } from '../operation';
import type { Attempt } from '../step';

/**
 * Reads back what the storage holds and compares size and SHA-256, so that a backup is committed
 * only over bytes that were seen in the storage.
 *
 * Side effect: none. Checkpoint: none, reading starts anew. Timeouts: the heartbeat.
 * @throws HoldfastError HF-STORAGE-009 when the storage holds something else.
 */
export async function verifyStored(
  dependencies: ActivityDependencies,
  attempt: Attempt,
  ref: OperationRef,
  archive: ArchiveFacts,
): Promise<{ verified: number }> {
  await enterJournaled(dependencies, ref);
  const { signal, progress, pace } = attempt;
  const storage = dependencies.openStorage(ref.plan.storage);
  const handle = await storage.resumeBackup(ref.directory, ref.backupId, ref.owner, { signal });
  progress.expect(archive.size);
  const hash = createHash('sha256');
  let size = 0;
  const content = await handle.readFile(archive.name, undefined, { signal });
  for await (const chunk of pace.read.through(content)) {
    hash.update(chunk);
    size += chunk.length;
    progress.advance(size);
  }
  const sha256 = hash.digest('hex');
  if (size !== archive.size || sha256 !== archive.sha256) {
    throw new HoldfastError('HF-STORAGE-009', {
      storage: storage.name,
      name: archive.name,
      found: `${size} bytes, SHA-256 ${sha256}`,
      expected: `${archive.size} bytes, SHA-256 ${archive.sha256}`,
    });
  }
  return { verified: size };
}
