import type {
  BackupReport,
  PreflightCheck,
  PreflightReport,
  RestoreCollectionsReport,
  RestoreReport,
  VerifyReport,
} from '../../core/messages';
import { escapeControl, quoteName } from '../../core/ids';
import { formatSize } from '../../core/sizes';
import { renderFacts, renderTable } from './table';
import { formatCount, formatDuration } from './units';

/** The block `create` prints above the backup id. Every `width` here is in cells. */
export function renderBackup(
  report: BackupReport,
  notes: string,
  width = Number.POSITIVE_INFINITY,
): string[] {
  return renderFacts(
    [
      ['backup', report.backupId],
      ['outcome', report.outcome],
      ['notes', quoteName(notes)],
      ['storage', quoteName(report.storage)],
      ['archive', `${report.archive.name}, ${formatSize(report.archive.size)}`],
      ['checksum', `${report.archive.sha1Base64} (SHA-1, base64)`],
      ['sha256', report.archive.sha256],
      ['database', databaseFacts(report.collections, report.documents, report.oplogEntries)],
      ...(report.node === undefined ? [] : [['read from', quoteName(report.node)] as const]),
      ...restarted(report.dumpRestarts),
      ['files', formatCount(report.files)],
      ...compensated(report.compensated),
      ['took', formatDuration(report.duration)],
    ],
    width,
  );
}

/** The block `verify` prints. */
export function renderVerification(
  report: VerifyReport,
  width = Number.POSITIVE_INFINITY,
): string[] {
  return renderFacts(
    [
      ['backup', report.backupId],
      ['verdict', 'every byte is as it was written'],
      ['archive', `${report.archive.name}, ${formatSize(report.archive.size)}`],
      ['entries', formatCount(report.entries)],
      ['documents', formatCount(report.documents)],
      ['read', formatSize(report.bytes)],
      ['took', formatDuration(report.duration)],
    ],
    width,
  );
}

/** The block `restore` prints: for a plan the table of checks, else what was done. */
export function renderRestore(report: RestoreReport, width = Number.POSITIVE_INFINITY): string[] {
  switch (report.outcome) {
    case 'planned':
      return [
        ...(report.preflight === undefined ? [] : renderPreflight(report.preflight, width)),
        'Nothing was changed: this was a plan.',
      ];
    case 'restored':
    case 'rolled-back':
      return renderFacts(
        [
          ['backup', report.backupId],
          ['outcome', report.outcome === 'restored' ? 'restored' : 'rolled back'],
          ['database', databaseFacts(report.collections, report.documents, report.oplogEntries)],
          ['files', formatCount(report.files)],
          ...(report.downtime === undefined
            ? []
            : [['downtime', formatDuration(report.downtime)] as const]),
          ...(report.lost === undefined
            ? []
            : [
                [
                  'lost',
                  `${report.lost.map(quoteName).join(', ')} (dropped by --in-place)`,
                ] as const,
              ]),
          ...compensated(report.compensated),
          ['took', formatDuration(report.duration)],
        ],
        width,
      );
    default:
      return unknownOutcome(report.outcome);
  }
}

/** The block `restore` prints for collections: for a plan the table of checks, else what was done. */
export function renderCollections(
  report: RestoreCollectionsReport,
  width = Number.POSITIVE_INFINITY,
): string[] {
  const { preflight, outcome, replaced, read, archiveSize } = report;
  switch (outcome) {
    case 'planned':
      return [
        ...(preflight === undefined ? [] : renderPreflight(preflight, width)),
        'Nothing was changed: this was a plan.',
      ];
    case 'restored':
      return renderFacts(
        [
          ['source', quoteName(report.backupId)],
          ['outcome', 'restored'],
          ['database', databaseFacts(report.collections, report.documents, report.oplogEntries)],
          ...(replaced === 0 ? [] : [['replaced', formatCount(replaced)] as const]),
          [
            'read',
            archiveSize === undefined
              ? formatSize(read)
              : `${formatSize(read)} of ${formatSize(archiveSize)}`,
          ],
          ...compensated(report.compensated),
          ['took', formatDuration(report.duration)],
        ],
        width,
      );
    default:
      return unknownOutcome(outcome);
  }
}

/** What a restore would do, and every check with its verdict. */
export function renderPreflight(
  report: PreflightReport,
  width = Number.POSITIVE_INFINITY,
): string[] {
  return [
    `Restore of ${report.backupId.startsWith('/') ? 'dump' : 'backup'} ${quoteName(report.backupId)}: ` +
      `${formatCount(report.collections)} collections, ${formatCount(report.documents)} documents, ` +
      formatSize(report.bytes) +
      (report.files === 0 ? '' : `, ${formatCount(report.files)} files`),
    '',
    ...renderTable(
      [{ title: 'CHECK' }, { title: 'VERDICT' }, { title: '', flexible: true }],
      report.checks.map(row),
      width,
    ),
    '',
  ];
}

function row(check: PreflightCheck): string[] {
  // Both may hold names of the backup's or the host's choosing.
  return [check.name, check.verdict, check.text].map(escapeControl);
}

function databaseFacts(collections: number, documents: number, entries: number): string {
  return `${formatCount(collections)} collections, ${formatCount(documents)} documents, ${formatCount(entries)} oplog entries`;
}

function restarted(times: number | undefined): (readonly [string, string])[] {
  if (times === undefined) return [];
  const often = times === 1 ? 'once' : `${formatCount(times)} times`;
  return [['dump', `started again ${often}; the host worker's log says why`]];
}

function compensated(run: string | undefined): (readonly [string, string])[] {
  return run === undefined ? [] : [['undone', `leftovers of run ${run}`]];
}

function unknownOutcome(outcome: never): never {
  throw new TypeError(`outcome ${String(outcome)}`);
}
