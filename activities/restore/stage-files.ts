import { planSwap } from '../../controller/swap-list';
import { stageFiles as stage, type EntryToStage } from '../../controller/stage-files';
import type { EntryPlace } from '../../controller/top-level-paths';
import type { OperationRef } from '../../core/operation';
import type { ActivityDependencies } from '../dependencies';
import { enterJournaled } from '../operation';
import type { Attempt } from '../step';
import { LocalArchive } from './local-archive';
import { runFiles } from './run-files';

/**
 * Lays the files of root.tar beside their targets, on the same file system.
 *
 * Side effect: `.hf-stage-*` paths. Idempotency key: the run id; what an attempt staged is removed
 * by the next. Compensation: undoRestore. Timeouts: the heartbeat.
 * @throws HoldfastError HF-FILES-001
 */
export async function stageFiles(
  dependencies: ActivityDependencies,
  attempt: Attempt,
  ref: OperationRef,
): Promise<{ files: number }> {
  const { directory } = await enterJournaled(dependencies, ref);
  const { signal, progress } = attempt;
  const archive = await LocalArchive.open(directory);
  const places: EntryPlace[] = [];
  for await (const entry of entries(archive, signal)) places.push(entry);
  progress.expect(places.length);
  const list = runFiles.fileSwap(directory);
  await planSwap(list, {
    run: ref.runId,
    root: ref.plan.root,
    dataDir: ref.plan.dataDir,
    entries: places,
  });
  const counted = counting(entries(archive, signal), () => progress.add(1));
  const staged = await stage(list, counted, signal);
  if (staged.stripped.length > 0) {
    attempt.warn('setuid, setgid or sticky bits were not restored', {
      paths: staged.stripped.length,
    });
  }
  return { files: staged.files };
}

async function* entries(archive: LocalArchive, signal: AbortSignal): AsyncGenerator<EntryToStage> {
  for await (const line of archive.lines(signal)) {
    const path = archive.bundled(line);
    if (path === undefined) continue;
    if (line.type !== 'file' && line.type !== 'directory' && line.type !== 'symlink') continue;
    const { mode, uid, gid, mtime } = line;
    yield {
      path,
      type: line.type,
      mode,
      uid,
      gid,
      mtime,
      link: line.type === 'symlink' ? line.link : undefined,
      read: () => (line.type === 'file' ? archive.content(line, 0, signal) : nothing()),
    };
  }
}

async function* nothing(): AsyncGenerator<Buffer> {}

async function* counting<T>(items: AsyncIterable<T>, count: () => void): AsyncGenerator<T> {
  for await (const item of items) {
    yield item;
    count();
  }
}
