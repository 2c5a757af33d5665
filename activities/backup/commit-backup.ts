import { readFile } from 'node:fs/promises';
import { serializeManifest, type Manifest } from '../../archive/manifest';
import { HoldfastError } from '../../core/errors';
import { backupStarted } from '../../core/ids';
import type { ArchiveFacts, BackupInput } from '../../core/messages';
import type { OperationRef } from '../../core/operation';
import { holdfastVersion } from '../../core/version';
import { indexName, manifestName } from '../../storage/contract';
import type { ActivityDependencies } from '../dependencies';
import { enterJournaled } from '../operation';
import { readWhole } from '../read-whole';
import type { Attempt } from '../step';
import { tellCatalog } from '../tell-catalog';
import { StepResult } from '../workspace/step-result';
import { z } from 'zod';
import { finishedBundle } from './bundle-files';
import { describedController } from './compose-archive';
import { finishedDump } from './dump-database';
import { inspectedRope } from './inspect-rope';
import { indexPath } from './rope-files';

/** What became of a backup. */
export interface CommittedBackup {
  readonly outcome: 'complete' | 'partial';
  /** What could not be done beside it. */
  readonly warnings?: readonly string[];
}

/** The time of the commit is taken once: a commit tried again must write the same bytes. */
const commitTime = new StepResult('commit', z.object({ finished: z.number() }));

/**
 * Makes the backup complete: INDEX, then MANIFEST, which only one writer can put, then the catalog
 * where there is one.
 *
 * Side effect: two files in the storage; with the second the backup exists. Idempotency key:
 * directory, name, owner and bytes; a MANIFEST of the same bytes is success. Compensation: none,
 * this is the commit. Not cancellable.
 * @throws HoldfastError HF-STORAGE-002 when another MANIFEST is there
 */
export async function commitBackup(
  dependencies: ActivityDependencies,
  attempt: Attempt,
  ref: OperationRef,
  input: BackupInput,
  archive: ArchiveFacts,
): Promise<CommittedBackup> {
  const { directory } = await enterJournaled(dependencies, ref);
  const { signal } = attempt;
  const now = { finished: dependencies.environment.now() };
  const time = (await commitTime.find(directory)) ?? now;
  await commitTime.write(directory, time);
  const manifest = await manifestOf(
    ref,
    input,
    archive,
    directory,
    time.finished,
    dependencies.environment.hostname,
  );
  const bytes = serializeManifest(manifest);
  const storage = dependencies.openStorage(ref.plan.storage);
  const handle = await storage.resumeBackup(ref.directory, ref.backupId, ref.owner, { signal });
  const files = await handle.listFiles({ signal });
  if (!files.some(({ name }) => name === manifestName)) {
    await handle.putFile(indexName, await readFile(indexPath(directory)), { signal });
    await handle.endBackup({ signal });
  }
  const put = await handle.putFile(manifestName, bytes, { ifAbsent: true, signal });
  if (put === 'exists' && !(await readWhole(handle, manifestName, signal)).equals(bytes)) {
    throw new HoldfastError('HF-STORAGE-002', {
      name: ref.backupId,
      storage: storage.name,
      owner: ' with another MANIFEST',
    });
  }
  const changed = { storage: storage.name, controller: ref.directory, ids: [ref.backupId] };
  const warning = await tellCatalog(dependencies, attempt, changed);
  return { outcome: manifest.outcome, ...(warning === undefined ? {} : { warnings: [warning] }) };
}

async function manifestOf(
  ref: OperationRef,
  input: BackupInput,
  archive: ArchiveFacts,
  directory: string,
  finished: number,
  hostname: string,
): Promise<Manifest> {
  const dump = await finishedDump.read(directory);
  const bundle = await finishedBundle.read(directory);
  const controller = await describedController.read(directory);
  const inspected = await inspectedRope.read(directory);
  const { size, sha256, sha1Base64 } = archive;
  const started = backupStarted(ref.backupId);
  return {
    format: 'holdfast-manifest/1',
    backupId: ref.backupId,
    owner: ref.owner,
    controller: {
      name: controller.controllerName,
      controllerUuid: controller.controllerUuid,
      modelUuid: ref.host.modelUuid,
      replicaSetId: dump.replicaSetId,
    },
    hosts: [{ machine: ref.host.machine, hostname }],
    purpose: input.purpose,
    kind: 'full',
    outcome: controller.hosts > 1 ? 'partial' : 'complete',
    chain: null,
    started: started.toISOString(),
    finished: new Date(finished).toISOString(),
    notes: input.notes,
    tags: [],
    tool: { name: 'holdfast', version: holdfastVersion },
    metadata: controller.metadata,
    mongo: {
      version: dump.version,
      fcv: dump.fcv,
      replicaSet: dump.replicaSet,
      node: dump.node,
      dataIdentity: dump.dataIdentity,
      oplog: {
        start: dump.window.start,
        end: dump.window.end,
        entries: dump.window.entries,
        firstEntrySha256: dump.window.firstEntrySha256,
      },
    },
    datasets: [
      {
        id: `${ref.host.machine}-controller`,
        source: 'controller',
        handler: 'controller',
        repository: ref.plan.storage,
        file: archive.name,
        atoms: ['files', ...new Set(dump.collections.map(({ database }) => database))],
        totalFiles: bundle.entries.filter(({ type }) => type !== 'directory').length,
        totalBytes: inspected.bytes,
        bytesAdded: size,
        durationMs: Math.max(0, finished - started.getTime()),
      },
    ],
    files: [
      {
        name: archive.name,
        host: ref.host.machine,
        content: { size, sha256, sha1Base64 },
        stored: { size, sha256 },
        compression: 'gzip',
        encryption: null,
      },
    ],
    index: { name: indexName, size: inspected.index.size, sha256: inspected.index.sha256 },
  };
}
