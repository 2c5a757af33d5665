import type { Readable } from 'node:stream';
import { inspectArchive } from '../../archive/inspect-archive';
import { recordVerified } from '../../catalog/marks';
import { findBackup } from '../../catalog/storage-catalog';
import { errorText, isHoldfastError } from '../../core/errors';
import type { VerifyInput, VerifyReport } from '../../core/messages';
import { storageDirectory } from '../../core/operation';
import { indexName } from '../../storage/contract';
import type { ActivityDependencies } from '../dependencies';
import { archiveFacts } from '../restore/manifest-facts';
import type { Attempt } from '../step';
import { tellCatalog } from '../tell-catalog';

/**
 * Reads a stored backup from its first byte to its last and proves it: MANIFEST, INDEX, every
 * stored range, every entry's content, every BSON frame.
 *
 * Side effect: what it found is written down beside the backup, as a new file. Idempotency key: the
 * second. Checkpoint: none, reading starts anew. Timeouts: the heartbeat.
 * @throws HoldfastError HF-ARCHIVE-001 with the damaged entry, HF-ARCHIVE-002, HF-MANIFEST-001,
 * HF-STORAGE-001, HF-BACKUP-004
 */
export async function verifyBackup(
  dependencies: ActivityDependencies,
  attempt: Attempt,
  input: VerifyInput,
): Promise<Omit<VerifyReport, 'duration'>> {
  const { signal, progress, pace } = attempt;
  const storage = dependencies.openStorage(input.storage);
  const controller = storageDirectory(input.controller);
  const { summary, manifest } = await findBackup({ storage, controller, signal }, input.backupId);
  const archive = archiveFacts(manifest);
  const handle = await storage.openBackup(controller, summary.id, { signal });
  progress.expect(archive.size);
  const index: Readable = await handle.readFile(indexName, undefined, { signal });
  const bytes: Readable = await handle.readFile(archive.name, undefined, { signal });
  const record = async (sound: boolean): Promise<void> => {
    const target = { storage, controller, id: summary.id, owner: manifest.owner, signal };
    try {
      await recordVerified(target, { at: dependencies.environment.now(), sound });
      const changed = { storage: storage.name, controller, ids: [summary.id] };
      await tellCatalog(dependencies, attempt, changed);
    } catch (error) {
      signal.throwIfAborted();
      // What was found counts, written down or not: a storage may be read-only.
      attempt.warn('the result cannot be written down', { reason: errorText(error) });
    }
  };
  try {
    const totals = await inspectArchive({
      archive: archive.name,
      bytes: pace.read.through(bytes),
      expect: { size: archive.size, sha256: archive.sha256 },
      index,
      expectIndex: manifest.index,
      signal,
      onProgress: ({ done }) => progress.advance(done),
    });
    await record(true);
    return {
      v: 1,
      kind: 'verify',
      backupId: summary.id,
      archive,
      entries: totals.files,
      documents: totals.documents,
      bytes: totals.size,
    };
  } catch (error) {
    if (isHoldfastError(error, 'HF-ARCHIVE-001', 'HF-ARCHIVE-002')) await record(false);
    throw error;
  } finally {
    index.destroy();
    bytes.destroy();
  }
}
