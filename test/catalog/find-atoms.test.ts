import type { Manifest, ManifestDataset } from '../../archive/manifest';
import { judge, type BackupSummary } from '../../catalog/backup-summary';
import { backupDatasets, selectAtoms, type FindRequest } from '../../catalog/find-atoms';
import { serializeManifest } from '../../archive/manifest';
import { PathPattern } from '../../catalog/path-pattern';
import { manifestName } from '../../storage/contract';
import { manifestOf } from './stored-backup';

const controller = '11111111-2222-4333-8444-555555555555';
const idOf = (day: number): string => `2025010${day}-120000.${controller}`;

const dataset: ManifestDataset = {
  id: 'machine-0-controller',
  source: 'controller',
  handler: 'controller',
  repository: 'nas',
  file: 'archive.tar.gz',
  atoms: ['files', 'juju', 'logs'],
  totalFiles: 3,
  totalBytes: 4,
  bytesAdded: 5,
  durationMs: 6,
};

function summaryOf(
  day: number,
  changes: Partial<Manifest> = {},
  marks: readonly string[] = [],
): BackupSummary {
  const id = idOf(day);
  const started = `2025-01-0${day}T12:00:00Z`;
  const manifest = manifestOf(id, { datasets: [dataset], started, ...changes });
  const bytes = serializeManifest(manifest);
  const stored = manifest.files.map((file) => ({ name: file.name, size: file.stored.size }));
  const named = [...stored, manifest.index, { name: manifestName, size: bytes.length }];
  const files = [...named, ...marks.map((name) => ({ name, size: 1 }))].map((file) => {
    return { ...file, etag: 'e', modified: 0 };
  });
  return judge('nas', { directory: controller, name: id, files, modified: 0 }, bytes);
}

/** `day: atom, atom` for each backup that is found. */
function found(
  summaries: readonly BackupSummary[],
  pattern: string,
  rest: Partial<FindRequest> = {},
): string[] {
  const request = { ...rest, pattern: new PathPattern(pattern) };
  return selectAtoms(backupDatasets(summaries), request).map(({ backup, datasets }) => {
    const atoms = datasets.flatMap((set) => set.atoms.map(({ path }) => path));
    return `${backup.id.slice(7, 8)}: ${atoms.join(', ')}`;
  });
}

const juju = 'controller/machine-0-controller/juju';

describe('finding atoms', () => {
  it('gives only those that the pattern covers, of the newest backup first', () => {
    const all = [summaryOf(1), summaryOf(3), summaryOf(2)];
    expect(found(all, 'juju')).toEqual([`3: ${juju}`, `2: ${juju}`, `1: ${juju}`]);
    expect(found([summaryOf(1)], 'controller/*/[fl]*')).toEqual([
      '1: controller/machine-0-controller/files, controller/machine-0-controller/logs',
    ]);
    expect(found(all, 'mongo')).toEqual([]);
  });

  it('gives so many versions of each atom, wherever the newest of it is', () => {
    const without = summaryOf(3, { datasets: [{ ...dataset, atoms: ['files'] }] });
    const all = [summaryOf(1), summaryOf(2), without];
    expect(found(all, 'juju', { numVersions: 1 })).toEqual([`2: ${juju}`]);
    expect(found(all, '{files', { numVersions: 1 })).toEqual([]);
    expect(found(all, 'controller', { numVersions: 1 })).toEqual([
      '3: controller/machine-0-controller/files',
      `2: ${juju}, controller/machine-0-controller/logs`,
    ]);
  });

  it('counts neither safety copies nor what a verification found damaged as a version', () => {
    const all = [
      summaryOf(1),
      summaryOf(2),
      summaryOf(3, {}, ['VERIFIED.1750000000.damaged']),
      summaryOf(4, { purpose: 'safety' }),
    ];
    expect(found(all, 'juju', { numVersions: 1 }).map((line) => line[0])).toEqual(['4', '3', '2']);
  });

  it('gives those that were begun before a moment', () => {
    const all = [summaryOf(1), summaryOf(2), summaryOf(3)];
    const olderThan = Date.parse('2025-01-02T12:00:00Z');
    expect(found(all, 'juju', { olderThan })).toEqual([`1: ${juju}`]);
    expect(found(all, 'juju', { olderThan: olderThan + 1, numVersions: 1 })).toEqual([
      `2: ${juju}`,
    ]);
  });

  it('gives those of one host, by machine tag, number or name', () => {
    const machines = [
      { machine: 'machine-0', hostname: 'host-0' },
      { machine: 'machine-1', hostname: 'host-1' },
    ];
    const all = [summaryOf(1, { hosts: machines })];
    for (const host of ['machine-0', '0', 'host-0']) {
      expect(found(all, 'juju', { host })).toEqual([`1: ${juju}`]);
    }
    // The dataset's file is machine 0's.
    for (const host of ['machine-1', 'host-1', 'machine', '']) {
      expect(found(all, 'juju', { host })).toEqual([]);
    }
  });

  it('passes over backups that are incomplete or damaged', () => {
    const whole = summaryOf(1);
    const incomplete = judge(
      'nas',
      { directory: controller, name: idOf(2), files: [], modified: 0 },
      undefined,
    );
    expect(found([whole, incomplete], 'juju')).toEqual([`1: ${juju}`]);
  });

  it('tells apart atoms of the same name of two controllers', () => {
    const other = '99999999-2222-4333-8444-555555555555';
    const [one] = backupDatasets([summaryOf(1)]);
    const request = { pattern: new PathPattern('juju'), numVersions: 1 };
    if (one === undefined) throw new Error('nothing to find');
    const theirs = { ...one, backup: { ...one.backup, id: `x.${other}`, controller: other } };
    expect(selectAtoms([one, theirs], request).length).toBe(2);
  });
});
