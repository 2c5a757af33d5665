import type { PreflightReport, RestoreReport } from '../core/messages';

/** The report of a restore that left everything as it was. `duration` in milliseconds. */
export function unchangedReport(
  backupId: string,
  outcome: 'planned' | 'rolled-back',
  duration: number,
  preflight?: PreflightReport,
): RestoreReport {
  return {
    v: 1,
    kind: 'restore',
    outcome,
    backupId,
    ...(preflight === undefined ? {} : { preflight }),
    collections: 0,
    documents: 0,
    oplogEntries: 0,
    files: 0,
    duration,
  };
}

/** A restore's report as Markdown, for the Web UI. */
export function describeRestore(report: RestoreReport): string {
  const seconds = report.downtime === undefined ? 'unknown' : (report.downtime / 1000).toFixed(1);
  return [
    `Backup \`${report.backupId}\` is restored.`,
    '',
    `- ${report.collections} collections, ${report.documents} documents, ${report.oplogEntries} oplog entries replayed, ${report.files} files`,
    `- the controller was away for ${seconds} s`,
  ].join('\n');
}
