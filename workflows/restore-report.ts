import type { InspectionSummary, LoadSummary } from '../activities/steps';
import { formatDuration } from '../core/durations';
import type { PreflightReport, RestoreReport } from '../core/messages';
import { formatSize } from '../core/sizes';
import { failure } from './failure';
import { count, timeText } from './story';

/** What the inspection of an archive counted. */
export function inspected({ entries, documents, bytes }: InspectionSummary): string {
  return `${count(entries)} entries, ${count(documents)} documents, ${formatSize(bytes)}`;
}

/** What the load counted. */
export function loadedText(loaded: LoadSummary): string {
  return `${count(loaded.collections)} collections, ${count(loaded.documents)} documents, ${count(loaded.oplogEntries)} oplog entries`;
}

/** @throws ApplicationFailure HF-PREFLIGHT-001 with everything that a preflight refused */
export function refuseOn(preflight: PreflightReport): void {
  const refused = preflight.checks.filter((check) => check.verdict === 'refuse');
  if (refused.length === 0) return;
  throw failure('HF-PREFLIGHT-001', {
    problems: refused.map((check) => `  ${check.name}: ${check.text}`).join('\n'),
  });
}

/** How a restore that waits is answered; `wait` in milliseconds. Markdown. */
export function confirmText(backupId: string, wait: number): string {
  return [
    `**What to do:** read the checks below, then answer: \`holdfast restore ${backupId}\` is waiting for you,`,
    `or send the Update \`confirm\` with \`{"v": 1, "backupId": "${backupId}", "answer": "yes"}\` (or \`"no"\`).`,
    `Nothing has been changed. After ${formatDuration(wait)} without an answer it is given up.`,
  ].join(' ');
}

/** The report of a restore, in Markdown. */
export function describeRestore(report: RestoreReport): string {
  const away = report.downtime === undefined ? '' : timeText(report.downtime);
  return [
    `Backup \`${report.backupId}\` is **restored**, after ${timeText(report.duration)}.`,
    '',
    `- ${count(report.collections)} collections, ${count(report.documents)} documents, ${count(report.oplogEntries)} oplog entries replayed, ${count(report.files)} files`,
    `- the controller was away for ${away === '' ? 'an unknown time' : away}`,
  ].join('\n');
}

/** The result of a restore that left the controller as it was; `started` in milliseconds since the epoch. */
export function unchangedReport(
  backupId: string,
  outcome: 'planned' | 'rolled-back',
  started: number,
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
    duration: Date.now() - started,
  };
}
