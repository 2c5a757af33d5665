import { isRestorable, manifestLimit, parseManifest, type Manifest } from '../archive/manifest';
import { errorText, HoldfastError, isAbort, isHoldfastError } from '../core/errors';
import { parseBackupId } from '../core/ids';
import { isPinned, lastVerified, type Verified } from './marks';
import {
  manifestName,
  type BackupStorage,
  type CallOptions,
  type ReadHandle,
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

/** The MANIFEST of a scanned backup as the listing shows it; undefined when it has none. */
export function manifestFile({ files }: ScannedBackup): StoredFile | undefined {
  return files.find(({ name }) => name === manifestName);
}

function checkSize(backup: string, { size }: StoredFile): void {
  if (size <= manifestLimit) return;
  const reason = `it has ${size} bytes, ${manifestLimit} are allowed`;
  throw new HoldfastError('HF-MANIFEST-001', { backup, reason });
}

async function readBytes(
  handle: ReadHandle,
  file: StoredFile,
  options: CallOptions,
): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  const range = { start: 0, end: file.size };
  for await (const chunk of await handle.readFile(manifestName, range, options)) {
    chunks.push(Buffer.from(chunk));
  }
  return Buffer.concat(chunks);
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

function baseOf(scanned: ScannedBackup): SummaryBase {
  return {
    id: scanned.name,
    controller: scanned.directory,
    size: scanned.files.reduce((sum, file) => sum + file.size, 0),
    files: scanned.files,
    started: startedOf(scanned.name) ?? '',
    verified: lastVerified(scanned.files),
    pinned: isPinned(scanned.files),
  };
}

function damagedBy(scanned: ScannedBackup, error: unknown): DamagedBackup {
  const known = isHoldfastError(error)
    ? error
    : new HoldfastError(
        'HF-MANIFEST-001',
        { backup: scanned.name, reason: errorText(error) },
        { cause: error },
      );
  return { ...baseOf(scanned), status: 'damaged', reason: known.message, error: known };
}

/**
 * Judges a backup by its listing and the bytes of its MANIFEST, whoever kept them. Marks are told
 * by the listing. Never throws: what is wrong with a backup is part of its summary.
 */
export function judge(
  storage: string,
  scanned: ScannedBackup,
  bytes: Uint8Array | undefined,
): BackupSummary {
  const file = manifestFile(scanned);
  if (file === undefined) return { ...baseOf(scanned), status: 'incomplete' };
  try {
    checkSize(scanned.name, file);
    if (bytes === undefined) {
      const reason = 'nobody has read it';
      throw new HoldfastError('HF-MANIFEST-001', { backup: scanned.name, reason });
    }
    const manifest = parseManifest(bytes, scanned.name);
    checkFiles(storage, scanned, manifest);
    return complete(baseOf(scanned), manifest);
  } catch (error) {
    return damagedBy(scanned, error);
  }
}

/** A backup that was judged, with what its MANIFEST held. */
export interface ReadBackup {
  readonly summary: BackupSummary;
  /** Undefined when it has none, or none that could be read. */
  readonly manifest: Uint8Array | undefined;
  /** Why the storage did not give it. */
  readonly unread?: HoldfastError;
}

/**
 * Reads and judges one scanned backup. Whatever its MANIFEST does, this gives a summary; only an
 * abort rejects. `handle`: from `listBackups`, where there is one.
 */
export async function readBackup(
  storage: BackupStorage,
  scanned: ScannedBackup,
  options: CallOptions = {},
  handle?: ReadHandle,
): Promise<ReadBackup> {
  const file = manifestFile(scanned);
  if (file === undefined || file.size > manifestLimit) {
    return { summary: judge(storage.name, scanned, undefined), manifest: undefined };
  }
  try {
    const { directory, name } = scanned;
    const opened = handle ?? (await storage.openBackup(directory, name, options));
    const manifest = await readBytes(opened, file, options);
    return { summary: judge(storage.name, scanned, manifest), manifest };
  } catch (error) {
    if (isAbort(error) || options.signal?.aborted === true) throw error;
    // Only what stood in the listing and is gone now: somebody removes it, MANIFEST first.
    const removed =
      isHoldfastError(error, 'HF-STORAGE-001') ||
      (isHoldfastError(error, 'HF-STORAGE-007') && error.params['name'] === manifestName);
    if (removed) {
      return { summary: { ...baseOf(scanned), status: 'incomplete' }, manifest: undefined };
    }
    const summary = damagedBy(scanned, error);
    return { summary, manifest: undefined, unread: summary.error };
  }
}

/** As `readBackup`, the summary alone. */
export async function summarize(
  storage: BackupStorage,
  scanned: ScannedBackup,
  options: CallOptions = {},
): Promise<BackupSummary> {
  return (await readBackup(storage, scanned, options)).summary;
}
