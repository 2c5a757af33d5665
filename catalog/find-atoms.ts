import type { Manifest, ManifestDataset } from '../archive/manifest';
import type { BackupSummary } from './backup-summary';
import type { Verified } from './marks';
import type { PathPattern } from './path-pattern';

/** A piece of a dataset that can be restored by itself. */
export interface Atom {
  /** Within its dataset. */
  readonly name: string;
  /** Everywhere: `source/dataset/atom`. */
  readonly path: string;
}

/** A dataset of a backup, and whose it is. */
export interface Dataset extends ManifestDataset {
  /** Machine tag of the host it was read on; undefined when the backup doesn't tell. */
  readonly host: string | undefined;
}

/** What is told of a backup beside its datasets. */
export interface AtomBackup {
  readonly id: string;
  /** Model UUID of its controller. */
  readonly controller: string;
  /** RFC 3339. */
  readonly started: string;
  /** RFC 3339. */
  readonly finished: string;
  readonly hosts: Manifest['hosts'];
  readonly purpose: Manifest['purpose'];
  readonly outcome: Manifest['outcome'];
  /** The last verification; undefined when there was none. */
  readonly verified: Verified | undefined;
  readonly pinned: boolean;
}

/** A dataset with those of its atoms that were asked for. */
export interface FoundDataset extends Omit<Dataset, 'atoms'> {
  readonly atoms: readonly Atom[];
}

/** A backup with those of its datasets that hold what was asked for. */
export interface FoundAtoms {
  readonly backup: AtomBackup;
  readonly datasets: readonly FoundDataset[];
}

/** Which atoms are looked for. */
export interface FindRequest {
  /** Of `PathPattern`, over `source/dataset/atom`. */
  readonly pattern: PathPattern;
  /** Machine tag, machine number or host name. */
  readonly host?: string | undefined;
  /**
   * Of each atom only so many of the newest. Safety copies and what a verification found damaged don't
   * count as one.
   */
  readonly numVersions?: number | undefined;
  /** Only of backups that were started before, milliseconds since the epoch. */
  readonly olderThan?: number | undefined;
}

/** A complete backup and its datasets. */
export interface BackupDatasets {
  readonly backup: AtomBackup;
  readonly datasets: readonly Dataset[];
}

/** The datasets of a manifest, each with its host. */
export function datasetsOf(manifest: Manifest): Dataset[] {
  const machines = new Map(manifest.files.map(({ name, host }) => [name, host]));
  return manifest.datasets.map((dataset) => ({
    ...dataset,
    host: dataset.file === undefined ? undefined : machines.get(dataset.file),
  }));
}

/** What `selectAtoms` looks through, of the complete ones among these backups. */
export function backupDatasets(summaries: readonly BackupSummary[]): BackupDatasets[] {
  return summaries.flatMap((summary) => {
    if (summary.status !== 'complete') return [];
    const { id, controller, started, finished, purpose, outcome, verified, pinned } = summary;
    const { manifest } = summary;
    const { hosts } = manifest;
    const facts = { id, controller, started, finished, hosts, purpose, outcome };
    return [{ backup: { ...facts, verified, pinned }, datasets: datasetsOf(manifest) }];
  });
}

/**
 * The atoms that are asked for, of the newest backup first. Backups without any of them are left out.
 * `backups` may come in any order.
 */
export function selectAtoms(
  backups: readonly BackupDatasets[],
  request: FindRequest,
): FoundAtoms[] {
  const { pattern, numVersions = Number.POSITIVE_INFINITY, olderThan } = request;
  const seen = new Map<string, number>();
  const newestFirst = backups.toSorted((one, other) => (one.backup.id < other.backup.id ? 1 : -1));
  return newestFirst.flatMap(({ backup, datasets }) => {
    if (olderThan !== undefined && Date.parse(backup.started) >= olderThan) return [];
    const counts = backup.purpose !== 'safety' && backup.verified?.sound !== false;
    const found = datasets.flatMap((dataset): FoundDataset[] => {
      if (!isOfHost(backup, dataset, request.host)) return [];
      const atoms = dataset.atoms
        .map((name) => ({ name, path: `${dataset.source}/${dataset.id}/${name}` }))
        .filter(({ path }) => {
          const versions = seen.get(`${backup.controller} ${path}`) ?? 0;
          if (versions >= numVersions || !pattern.covers(path)) return false;
          if (counts) seen.set(`${backup.controller} ${path}`, versions + 1);
          return true;
        });
      return atoms.length === 0 ? [] : [{ ...dataset, atoms }];
    });
    return found.length === 0 ? [] : [{ backup, datasets: found }];
  });
}

function isOfHost(backup: AtomBackup, dataset: Dataset, host: string | undefined): boolean {
  if (host === undefined) return true;
  const names = [host, `machine-${host}`];
  return backup.hosts
    .filter(({ machine }) => dataset.host === undefined || machine === dataset.host)
    .some(({ machine, hostname }) => names.includes(machine) || hostname === host);
}
