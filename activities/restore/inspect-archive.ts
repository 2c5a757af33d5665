import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { inspectArchive as inspect } from '../../archive/inspect-archive';
import { parseManifest } from '../../archive/manifest';
import type { OperationRef } from '../../core/operation';
import type { ActivityDependencies } from '../dependencies';
import { enterOperation } from '../operation';
import type { Attempt } from '../step';
import type { InspectionSummary } from '../steps';
import { StepResult } from '../workspace/step-result';
import { fetchedArchive } from './fetch-archive';
import { runFiles } from './run-files';

/** Totals of the proven archive; LocalArchive opens nothing before they exist. */
export const inspectedArchive = new StepResult(
  'inspect',
  z.object({ entries: z.number(), documents: z.number(), bytes: z.number() }),
);

/**
 * Proves every byte of the fetched archive against its MANIFEST and INDEX, before anything is changed.
 *
 * Side effect: a result in the run directory. Idempotency key: the run id. Checkpoint: none,
 * reading starts anew. Timeouts: the heartbeat.
 * @throws HoldfastError HF-ARCHIVE-001, HF-ARCHIVE-002, HF-MANIFEST-001
 */
export async function inspectArchive(
  dependencies: ActivityDependencies,
  attempt: Attempt,
  ref: OperationRef,
): Promise<InspectionSummary> {
  const { directory } = await enterOperation(dependencies, ref);
  const done = await inspectedArchive.find(directory);
  if (done !== undefined) return done;
  const { signal, progress } = attempt;
  const { file, archive } = await fetchedArchive.read(directory);
  const manifest = parseManifest(await readFile(runFiles.manifest(directory)), ref.backupId);
  progress.expect(archive.size);
  const totals = await inspect({
    archive: archive.name,
    bytes: createReadStream(join(directory, file)),
    expect: { size: archive.size, sha256: archive.sha256 },
    index: createReadStream(runFiles.index(directory)),
    expectIndex: manifest.index,
    signal,
    onProgress: ({ done: proven }) => progress.advance(proven),
  });
  const { files: entries, documents, bytes } = totals;
  const summary = { entries, documents, bytes };
  await inspectedArchive.write(directory, summary);
  return summary;
}
