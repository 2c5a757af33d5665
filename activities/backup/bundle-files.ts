import { relative } from 'node:path';
import { z } from 'zod';
import { bundleFiles as bundle } from '../../archive/files-bundle';
import { SegmentFile } from '../../archive/segment-file';
import { listFilesToBackUp } from '../../controller/files-to-back-up';
import type { OperationRef } from '../../core/operation';
import type { ActivityDependencies } from '../dependencies';
import { requireSpace } from '../disk-space';
import { enterJournaled } from '../operation';
import type { Attempt } from '../step';
import type { BundleSummary } from '../steps';
import { claimEpoch } from '../workspace/epoch';
import { StepResult } from '../workspace/step-result';
import { memberSchema } from './dump-checkpoint';
import { planCompressor } from './plan-compressor';

const common = {
  path: z.string(),
  mode: z.number(),
  uid: z.number(),
  gid: z.number(),
  mtime: z.number(),
};

const bundleSchema = z.object({
  members: z.array(memberSchema.omit({ documents: true, position: true })),
  size: z.number(),
  entries: z.array(
    z.discriminatedUnion('type', [
      z.object({ ...common, type: z.literal('file'), size: z.number(), sha256: z.string() }),
      z.object({ ...common, type: z.literal('directory') }),
      z.object({ ...common, type: z.literal('symlink'), link: z.string() }),
    ]),
  ),
  skipped: z.number(),
});

/** root.tar as it lies in the spool. */
export type FinishedBundle = z.infer<typeof bundleSchema>;

export const finishedBundle = new StepResult('files', bundleSchema);

/**
 * Bundles the host's files into root.tar, as gzip members of the spool.
 *
 * Side effect: a segment in the run directory. Idempotency key: the run id. Checkpoint: none, the
 * files are few; a new attempt writes a segment of its own. Compensation: undoBackup. Retried when
 * a file shrinks under the reader.
 * @throws HoldfastError HF-HOST-004, HF-ARCHIVE-004
 */
export async function bundleFiles(
  dependencies: ActivityDependencies,
  attempt: Attempt,
  ref: OperationRef,
): Promise<BundleSummary> {
  const { directory } = await enterJournaled(dependencies, ref);
  const done = await finishedBundle.find(directory);
  if (done !== undefined) return summarize(done);
  const { signal, progress, pace } = attempt;
  const { root, dataDir } = ref.plan;
  const listed = await listFilesToBackUp({ root, dataDir, signal });
  const floor = dependencies.config.limits.freeSpace;
  await requireSpace(directory, listed.bytes, 'the host files', floor);
  progress.expect(listed.files.length);
  const epoch = await claimEpoch(directory, 'files');
  const compressor = planCompressor(ref.plan, attempt);
  const segment = await SegmentFile.create(directory, relative(directory, epoch.own('seg')));
  try {
    const bundled = await bundle({
      root,
      paths: listed.files.map(({ path }) => path),
      segment,
      compressor,
      signal,
      onRead: (bytes) => pace.read.take(bytes),
      onProgress: (path) => progress.add(1, path),
    });
    await segment.sync();
    const skipped = [...listed.skipped, ...bundled.skipped];
    for (const { path, reason } of skipped) attempt.warn('not bundled', { path, reason });
    const finished = bundleSchema.parse({ ...bundled, skipped: skipped.length });
    await epoch.check();
    await finishedBundle.write(directory, finished);
    return summarize(finished);
  } finally {
    await segment.close();
    await compressor.close();
  }
}

function summarize(bundled: z.infer<typeof bundleSchema>): BundleSummary {
  return {
    files: bundled.entries.filter(({ type }) => type !== 'directory').length,
    bytes: bundled.size,
    skipped: bundled.skipped,
  };
}
