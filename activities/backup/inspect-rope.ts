import { rename } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { z } from 'zod';
import { inspectRope as inspect } from '../../archive/inspect-rope';
import { readRope } from '../../archive/rope-file';
import { syncDirectory } from '../../config/durable-file';
import { archiveName } from '../../core/ids';
import type { ArchiveFacts } from '../../core/messages';
import type { OperationRef } from '../../core/operation';
import type { ActivityDependencies } from '../dependencies';
import { enterJournaled } from '../operation';
import type { Attempt } from '../step';
import { claimEpoch } from '../workspace/epoch';
import { StepResult } from '../workspace/step-result';
import { indexPath, ropePath } from './rope-files';

/** What the inspection of the rope computed. */
export const inspectedRope = new StepResult(
  'inspect',
  z.object({
    size: z.number(),
    sha256: z.string(),
    sha1Base64: z.string(),
    files: z.number(),
    bytes: z.number(),
    documents: z.number(),
    index: z.object({ size: z.number(), sha256: z.string() }),
  }),
);

/**
 * Proves the archive before it is stored: every gzip member, header, BSON frame and count; and
 * makes its INDEX and digests on the way.
 *
 * Side effect: INDEX in the run directory. Idempotency key: the run id. Checkpoint: none, reading
 * starts anew. Compensation: undoBackup. Timeouts: the heartbeat.
 * @throws HoldfastError HF-ARCHIVE-001, HF-ARCHIVE-002
 */
export async function inspectRope(
  dependencies: ActivityDependencies,
  attempt: Attempt,
  ref: OperationRef,
): Promise<{ archive: ArchiveFacts; entries: number }> {
  const { directory } = await enterJournaled(dependencies, ref);
  const name = archiveName(ref.backupId);
  let found = await inspectedRope.find(directory);
  if (found === undefined) {
    const { signal, progress } = attempt;
    const epoch = await claimEpoch(directory, 'inspect');
    const indexFile = relative(directory, epoch.own('index'));
    const rope = await readRope(ropePath(directory));
    found = await inspect(rope, {
      runDirectory: directory,
      indexFile,
      archive: name,
      signal,
      onProgress: ({ done, total }) => {
        progress.expect(total);
        progress.advance(done);
      },
    });
    await epoch.check();
    await rename(join(directory, indexFile), indexPath(directory));
    await syncDirectory(directory);
    await inspectedRope.write(directory, found);
  }
  const { size, sha256, sha1Base64, files } = found;
  return { archive: { name, size, sha256, sha1Base64 }, entries: files };
}
