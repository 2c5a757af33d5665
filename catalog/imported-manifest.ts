import type { ImportedArchive } from '../archive/import-archive';
import type { Manifest } from '../archive/manifest';
import { publicMetadata, versionWithoutMetadata } from '../archive/metadata';
import { HoldfastError } from '../core/errors';
import { archiveName, backupId, machineTagPattern, uuidPattern } from '../core/ids';
import { holdfastVersion } from '../core/version';
import { indexName } from '../storage/contract';

/** A file that a backup was made of. */
export interface Origin {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Hex. */
  readonly sha256: string;
  /** Juju's own checksum of it: SHA-1, base64. */
  readonly sha1Base64: string;
}

/** An archive that was imported, and where it goes. */
export interface ImportedBackup {
  readonly imported: ImportedArchive;
  readonly origin: Origin;
  readonly owner: string;
  /** Name of the storage. */
  readonly storage: string;
  /** Controller model UUID to take when the archive names none. */
  readonly modelUuid: string | undefined;
}

/**
 * The MANIFEST of an archive that was imported. Id and times are those of its metadata, as Juju gave
 * its stored backups; without metadata the time is that of its name, else of its newest entry. What
 * Juju doesn't record is left out: which mongod it is of, when it was finished. The same file always
 * gives the same MANIFEST.
 *
 * @throws HoldfastError HF-BACKUP-006 when nothing tells which controller or machine it is of.
 */
export function importedManifest(backup: ImportedBackup): Manifest {
  const { imported, origin, owner, storage } = backup;
  const { metadata: parsed, inspection } = imported;
  const known = parsed?.metadata;
  const started = startedOf(known?.started, origin.name, imported.newest);
  const modelUuid = known?.modelUuid || backup.modelUuid || '';
  if (!uuidPattern.test(modelUuid)) throw unknownOrigin(origin.name, 'controller');
  const machine = machineOf(known?.machine) ?? imported.agent;
  if (machine === undefined) throw unknownOrigin(origin.name, 'machine');
  const id = backupId(started, modelUuid);
  const { size, sha256, sha1Base64 } = inspection;
  const file = archiveName(id);
  return {
    format: 'holdfast-manifest/1',
    backupId: id,
    owner,
    controller: {
      name: '',
      controllerUuid: known?.controllerUuid ?? '',
      modelUuid,
      replicaSetId: '',
    },
    hosts: [{ machine, hostname: known?.hostname ?? '' }],
    purpose: 'manual',
    kind: 'full',
    outcome: (known?.haNodes ?? 1) > 1 ? 'partial' : 'complete',
    chain: null,
    started: started.toISOString(),
    finished: (finishedOf(known?.finished) ?? started).toISOString(),
    notes: known?.notes ?? '',
    tags: [],
    tool: { name: 'holdfast', version: holdfastVersion },
    metadata:
      parsed === undefined
        ? { Version: versionWithoutMetadata }
        : publicMetadata(parsed.shape, parsed.metadata),
    mongo: null,
    datasets: [
      {
        id: `${machine}-controller`,
        source: 'controller',
        handler: 'controller',
        repository: storage,
        file,
        atoms: ['files', ...imported.databases],
        totalFiles: imported.hostFiles,
        totalBytes: inspection.bytes,
        bytesAdded: size,
        durationMs: 0,
      },
    ],
    files: [
      {
        name: file,
        host: machine,
        content: { size, sha256, sha1Base64 },
        stored: { size, sha256 },
        compression: 'gzip',
        encryption: null,
      },
    ],
    index: { name: indexName, size: inspection.index.size, sha256: inspection.index.sha256 },
    origin: { ...origin },
  };
}

function unknownOrigin(archive: string, what: string): HoldfastError {
  return new HoldfastError('HF-BACKUP-006', { archive, what });
}

/** Go's zero time, or none: it was not known when the metadata was written. */
function timeOf(text: string | undefined): Date | undefined {
  if (text === undefined) return undefined;
  const at = new Date(text);
  return Number.isNaN(at.getTime()) || at.getUTCFullYear() < 1970 ? undefined : at;
}

const finishedOf = timeOf;

function startedOf(text: string | undefined, name: string, newest: number): Date {
  const named = /(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)/.exec(name);
  const [, year, month, day, hour, minute, second] = named ?? [];
  const fromName =
    named === null ? undefined : timeOf(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return timeOf(text) ?? fromName ?? new Date(newest * 1000);
}

/** Juju's machine id, such as `0` or `0/lxd/1`, as a tag. */
function machineOf(id: string | undefined): string | undefined {
  const tag = `machine-${(id ?? '').replaceAll('/', '-')}`;
  return machineTagPattern.test(tag) ? tag : undefined;
}
