import { isRestorable, manifestLimit, parseManifest, type Manifest } from '../archive/manifest';
import { errorText, HoldfastError, isAbort, isHoldfastError } from '../core/errors';
import { parseBackupId } from '../core/ids';
import { isPinned, lastVerified, type Verified } from './marks';
import {
  manifestName,
  type BackupStorage,
  type CallOptions,
  type ScannedBackup,
  type StoredFile,
} from '../storage/contract';

interface SummaryBase {
  readonly id: string;
  /** Directory in the storage: the controller's model UUID. */
  readonly controller: string;
  /** Bytes of everything the storage holds of it. */
  readonly size: number;
  readonly files: readonly StoredFile[];
  /** RFC 3339: from the MANIFEST, else from the id. */
  readonly started: string;
  /** The last verification; undefined when there was none. */
  readonly verified: Verified | undefined;
  /** Nothing removes it. */
  readonly pinned: boolean;
}

/** A backup with a MANIFEST whose files are all there with their sizes. */
export interface CompleteBackup extends SummaryBase {
  readonly status: 'complete';
  /** RFC 3339. */
  readonly finished: string;
  readonly notes: string;
  /** From Juju's own metadata; undefined when that has none. */
  readonly jujuVersion: string | undefined;
  /** Machine tags. */
  readonly hosts: readonly string[];
  readonly purpose: Manifest['purpose'];
  /** `partial`: files of a host could not be read. */
  readonly outcome: Manifest['outcome'];
  /** False for a kind this version does not know: it is listed, never restored. */
  readonly restorable: boolean;
  readonly manifest: Manifest;
}

/** A backup without MANIFEST: it is being written or was interrupted. */
export interface IncompleteBackup extends SummaryBase {
  readonly status: 'incomplete';
}

/** A backup with a MANIFEST that cannot be believed. */
export interface DamagedBackup extends SummaryBase {
  readonly status: 'damaged';
  /** Text of `error`. */
  readonly reason: string;
  readonly error: HoldfastError;
}

/** What the storage alone tells about a backup. */
export type BackupSummary = CompleteBackup | IncompleteBackup | DamagedBackup;

/** Whether the directory's name is a backup id of the controller it lies under. */
export function isBackupOf(directory: string, name: string): boolean {
  return name.slice(name.indexOf('.') + 1) === directory && startedOf(name) !== undefined;
}

/** RFC 3339 time of a backup id; undefined when it is none. */
function startedOf(id: string): string | undefined {
  let stamp: string;
  try {
    stamp = parseBackupId(id).timestamp;
  } catch {
    // A directory of another making: it is no backup of ours.
    return undefined;
  }
  const at = stamp.replace(/^(....)(..)(..)-(..)(..)(..)$/, '$1-$2-$3T$4:$5:$6Z');
  return Number.isNaN(Date.parse(at)) ? undefined : at;
}

async function readManifest(
  storage: BackupStorage,
  scanned: ScannedBackup,
  file: StoredFile,
  options: CallOptions,
): Promise<Manifest> {
  if (file.size > manifestLimit) {
    const reason = `it has ${file.size} bytes, ${manifestLimit} are allowed`;
    throw new HoldfastError('HF-MANIFEST-001', { backup: scanned.name, reason });
  }
  const handle = await storage.openBackup(scanned.directory, scanned.name, options);
  const chunks: Uint8Array[] = [];
  for await (const chunk of await handle.readFile(
    manifestName,
    { start: 0, end: file.size },
    options,
  )) {
    chunks.push(Buffer.from(chunk));
  }
  return parseManifest(Buffer.concat(chunks), scanned.name);
}

/** @throws HoldfastError HF-MANIFEST-001, HF-STORAGE-007, HF-STORAGE-009 when storage and MANIFEST disagree. */
function checkFiles(storage: string, scanned: ScannedBackup, manifest: Manifest): void {
  const { name: backup, directory } = scanned;
  if (manifest.backupId !== backup || manifest.controller.modelUuid !== directory) {
    const reason = `it belongs to backup ${manifest.backupId} of controller ${manifest.controller.modelUuid}`;
    throw new HoldfastError('HF-MANIFEST-001', { backup, reason });
  }
  const expected = [
    ...manifest.files.map(({ name, stored }) => ({ name, size: stored.size })),
    manifest.index,
  ];
  for (const { name, size } of expected) {
    const found = scanned.files.find((file) => file.name === name);
    if (found === undefined) throw new HoldfastError('HF-STORAGE-007', { backup, storage, name });
    if (found.size !== size) {
      throw new HoldfastError('HF-STORAGE-009', {
        storage,
        name: `${backup}/${name}`,
        found: `${found.size} bytes`,
        expected: `${size} bytes`,
      });
    }
  }
}

function complete(base: SummaryBase, manifest: Manifest): CompleteBackup {
  const version = manifest.metadata['Version'];
  return {
    ...base,
    status: 'complete',
    started: manifest.started,
    finished: manifest.finished,
    notes: manifest.notes,
    jujuVersion: version === undefined ? undefined : String(version),
    hosts: manifest.hosts.map(({ machine }) => machine),
    purpose: manifest.purpose,
    outcome: manifest.outcome,
    restorable: isRestorable(manifest),
    manifest,
  };
}

/** Judges one scanned backup. Whatever its MANIFEST does, this gives a summary; only an abort rejects. */
export async function summarize(
  storage: BackupStorage,
  scanned: ScannedBackup,
  options: CallOptions = {},
): Promise<BackupSummary> {
  const base: SummaryBase = {
    id: scanned.name,
    controller: scanned.directory,
    size: scanned.files.reduce((sum, file) => sum + file.size, 0),
    files: scanned.files,
    started: startedOf(scanned.name) ?? '',
    verified: lastVerified(scanned.files),
    pinned: isPinned(scanned.files),
  };
  const file = scanned.files.find(({ name }) => name === manifestName);
  if (file === undefined) return { ...base, status: 'incomplete' };
  try {
    const manifest = await readManifest(storage, scanned, file, options);
    checkFiles(storage.name, scanned, manifest);
    return complete(base, manifest);
  } catch (error) {
    if (isAbort(error) || options.signal?.aborted === true) throw error;
    // Only what stood in the listing and is gone now: somebody removes it, MANIFEST first.
    const removed =
      isHoldfastError(error, 'HF-STORAGE-001') ||
      (isHoldfastError(error, 'HF-STORAGE-007') && error.params['name'] === manifestName);
    if (removed) return { ...base, status: 'incomplete' };
    const known = isHoldfastError(error)
      ? error
      : new HoldfastError(
          'HF-MANIFEST-001',
          { backup: scanned.name, reason: errorText(error) },
          { cause: error },
        );
    return { ...base, status: 'damaged', reason: known.message, error: known };
  }
}
