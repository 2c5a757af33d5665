import { createHash } from 'node:crypto';
import { serializeManifest, type Manifest } from '../../archive/manifest';
import { parseBackupId } from '../../core/ids';
import { indexName, manifestName, type BackupStorage } from '../../storage/contract';

const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** The MANIFEST of a backup with one small archive. */
export function manifestOf(id: string, changes: Partial<Manifest> = {}): Manifest {
  const { modelUuid } = parseBackupId(id);
  const archive = Buffer.from(`archive of ${id}`);
  const index = Buffer.from(`index of ${id}`);
  return {
    format: 'holdfast-manifest/1',
    backupId: id,
    owner: 'run',
    controller: { name: 'c', controllerUuid: modelUuid, modelUuid, replicaSetId: 'r' },
    hosts: [{ machine: 'machine-0', hostname: 'host-0' }],
    purpose: 'manual',
    kind: 'full',
    outcome: 'complete',
    chain: null,
    started: '2025-01-01T00:00:00Z',
    finished: '2025-01-01T00:01:00Z',
    notes: 'before the upgrade',
    tags: [],
    tool: { name: 'holdfast', version: '0.1.0' },
    metadata: { FormatVersion: 2, Version: '3.6.24' },
    mongo: null,
    datasets: [],
    files: [
      {
        name: 'archive.tar.gz',
        host: 'machine-0',
        content: { size: 1, sha256: hash(archive), sha1Base64: '' },
        stored: { size: archive.length, sha256: hash(archive) },
        compression: 'gzip',
        encryption: null,
      },
    ],
    index: { name: indexName, size: index.length, sha256: hash(index) },
    ...changes,
  };
}

/** Stores a backup: complete with a manifest, incomplete with `undefined`, or with any bytes as its MANIFEST. */
export async function storeBackup(
  storage: BackupStorage,
  id: string,
  manifest: Manifest | Uint8Array | undefined,
): Promise<void> {
  const { modelUuid } = parseBackupId(id);
  const handle = await storage.startBackup(modelUuid, id, 'run');
  await handle.putFile('archive.tar.gz', Buffer.from(`archive of ${id}`));
  await handle.putFile(indexName, Buffer.from(`index of ${id}`));
  if (manifest === undefined) return;
  const bytes = manifest instanceof Uint8Array ? manifest : serializeManifest(manifest);
  await handle.putFile(manifestName, bytes, { ifAbsent: true });
}
