import type { CopyReport, VerifiedBackup, VerifyAllReport } from '../../core/messages';
import { escapeControl, quoteName } from '../../core/ids';
import { formatSize } from '../../core/sizes';
import { renderFacts, renderTable } from './table';
import { formatCount, formatDuration } from './units';

/** The block `copy` prints above the backup id. Every `width` here is in cells. */
export function renderCopy(report: CopyReport, width = Number.POSITIVE_INFINITY): string[] {
  const { archive, files, bytes } = report;
  return renderFacts(
    [
      ['backup', report.backupId],
      [
        'outcome',
        report.outcome === 'copied' ? 'copied' : 'the identical backup was there already',
      ],
      ['from', quoteName(report.from)],
      ['to', quoteName(report.to)],
      ['archive', `${archive.name}, ${formatSize(archive.size)}`],
      ['sha256', archive.sha256],
      ['files', `${formatCount(files)} and MANIFEST, ${formatSize(bytes)}`],
      ['took', formatDuration(report.duration)],
    ],
    width,
  );
}

/** What `verify --all` and `--sample` print: each backup that was read, then what that was in all. */
export function renderVerifications(
  report: VerifyAllReport,
  width = Number.POSITIVE_INFINITY,
): string[] {
  const { backups, left, incomplete } = report;
  const number = (verdict: VerifiedBackup['verdict']): number =>
    backups.filter((backup) => backup.verdict === verdict).length;
  const later =
    report.sample === undefined ? 'too many for one run: run it again' : 'on another day';
  const table = renderTable(
    [
      { title: 'ID' },
      { title: 'VERDICT' },
      { title: 'READ', align: 'right' },
      { title: '', flexible: true },
    ],
    backups.map(row),
    width,
  );
  const facts = renderFacts(
    [
      ['storage', quoteName(report.storage)],
      ['sound', formatCount(number('sound'))],
      ['damaged', formatCount(number('damaged'))],
      ...(number('gone') === 0
        ? []
        : [['removed meanwhile', formatCount(number('gone'))] as const]),
      ...(left === 0 ? [] : [['not read', `${formatCount(left)}, ${later}`] as const]),
      ...(incomplete === 0 ? [] : [['incomplete', formatCount(incomplete)] as const]),
      ['read', formatSize(report.bytes)],
      ['took', formatDuration(report.duration)],
    ],
    width,
  );
  return backups.length === 0 ? facts : [...table, '', ...facts];
}

function row({ id, verdict, bytes, code, reason }: VerifiedBackup): string[] {
  const read = verdict === 'sound' ? formatSize(bytes) : '';
  const why = code === undefined ? '' : `[${code}] ${escapeControl(reason ?? '')}`;
  return [quoteName(id), verdict, read, why];
}
