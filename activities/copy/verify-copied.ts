import { createHash } from 'node:crypto';
import { HoldfastError } from '../../core/errors';
import type { ReadHandle } from '../../storage/contract';
import type { ActivityDependencies } from '../dependencies';
import type { RunInfo } from '../steps';
import { type CopiedFile, type CopyAttempt, enterCopy } from './copy-directory';

/**
 * Reads back what the target holds and compares it with MANIFEST, so that a copy is committed only over
 * bytes that were seen there. What differs is read from the source too: it may be the damaged one.
 *
 * Side effect: none. Checkpoint: none, reading starts anew. Timeouts: the heartbeat.
 * @throws HoldfastError HF-STORAGE-009 with the storage that holds something else.
 */
export async function verifyCopied(
  dependencies: ActivityDependencies,
  attempt: CopyAttempt,
  run: RunInfo,
): Promise<{ verified: number }> {
  const { ref, files } = await enterCopy(dependencies, run.runId);
  const { signal, progress } = attempt;
  const { directory, backupId, owner } = ref;
  const to = dependencies.openStorage(ref.to);
  const target = await to.resumeBackup(directory, backupId, owner, { signal });
  progress.expect(files.reduce((sum, { size }) => sum + size, 0));
  for (const file of files) {
    const found = await digestOf(target, file, attempt);
    if (found === undefined) continue;
    const from = dependencies.openStorage(ref.from);
    const source = await from.openBackup(directory, backupId, { signal });
    const original = await digestOf(source, file, attempt);
    throw new HoldfastError('HF-STORAGE-009', {
      storage: original === undefined ? to.name : from.name,
      name: `${backupId}/${file.name}`,
      found: original ?? found,
      expected: textOf(file.size, file.sha256),
    });
  }
  return { verified: files.reduce((sum, { size }) => sum + size, 0) };
}

const textOf = (size: number, sha256: string): string => `${size} bytes, SHA-256 ${sha256}`;

/** What a storage holds of a file when it is not what MANIFEST says. */
async function digestOf(
  handle: Pick<ReadHandle, 'readFile'>,
  { name, size, sha256 }: CopiedFile,
  { signal, progress, pace }: CopyAttempt,
): Promise<string | undefined> {
  const hash = createHash('sha256');
  let done = 0;
  const content: AsyncIterable<Buffer> = await handle.readFile(name, undefined, { signal });
  for await (const chunk of pace.read.through(content)) {
    hash.update(chunk);
    done += chunk.length;
    progress.add(chunk.length, name);
  }
  const digest = hash.digest('hex');
  return done === size && digest === sha256 ? undefined : textOf(done, digest);
}
