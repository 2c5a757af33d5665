import type {
  BackupReport,
  CopyReport,
  PruneReport,
  RestoreCollectionsReport,
  RestoreReport,
  VerifyAllReport,
  VerifyReport,
} from '../../core/messages';
import {
  renderBackup,
  renderCollections,
  renderRestore,
  renderVerification,
} from '../render/report';
import { renderCopy, renderVerifications } from '../render/stored-report';
import type { Report } from '../status';
import { formatSize } from '../../core/sizes';
import type { Terminal } from './terminal';

/** Shows the report of any operation, as the command that begins such a one does. Returns its exit status. */
export function showReport(terminal: Terminal, report: Report): number {
  switch (report.kind) {
    case 'backup':
      return showBackup(terminal, report, '');
    case 'restore':
      return showRestore(terminal, report);
    case 'restoreCollections':
      return showCollections(terminal, report);
    case 'prune':
      return showPrune(terminal, report);
    case 'verify':
      return showVerification(terminal, report);
    case 'verifyAll':
      return showVerifications(terminal, report);
    case 'copy':
      return showCopy(terminal, report);
    default:
      throw new TypeError(`report ${String(report satisfies never)}`);
  }
}

/** The backup's id is the last line, or the only one with `--quiet`. Exit status 3 for a partial one. */
export function showBackup(terminal: Terminal, report: BackupReport, notes: string): number {
  if (!terminal.json) {
    if (!terminal.quiet)
      renderBackup(report, notes, terminal.width).forEach((line) => terminal.out(line));
    (report.warnings ?? []).forEach((warning) => terminal.err(`warning: ${warning}`));
    terminal.out(report.backupId);
  }
  return report.outcome === 'partial' ? 3 : 0;
}

/** A plan is shown even with `--quiet`: it is what was asked for. */
export function showRestore(terminal: Terminal, report: RestoreReport): number {
  if (!terminal.json) {
    const lines =
      terminal.quiet && report.outcome !== 'planned'
        ? [report.backupId]
        : renderRestore(report, terminal.width);
    lines.forEach((line) => terminal.out(line));
  }
  return 0;
}

/** As showRestore, for some collections. */
export function showCollections(terminal: Terminal, report: RestoreCollectionsReport): number {
  if (!terminal.json) {
    const lines =
      terminal.quiet && report.outcome !== 'planned'
        ? [report.backupId]
        : renderCollections(report, terminal.width);
    lines.forEach((line) => terminal.out(line));
  }
  return 0;
}

export function showVerification(terminal: Terminal, report: VerifyReport): number {
  if (!terminal.json) {
    const lines = terminal.quiet ? [report.backupId] : renderVerification(report, terminal.width);
    lines.forEach((line) => terminal.out(line));
  }
  return 0;
}

/** The ids that are gone, one a line. */
export function showPrune(terminal: Terminal, { removed, swept, freed }: PruneReport): number {
  if (terminal.json) return 0;
  [...removed, ...swept].forEach((id) => terminal.out(id));
  terminal.note(
    `${removed.length} removed, ${swept.length} incomplete ones swept, ${formatSize(freed)} freed`,
  );
  return 0;
}

/**
 * Each backup with its verdict; with `--quiet` the ids of the damaged ones. Exit status 13 when there is
 * one, 3 when not all that were asked for fitted into one run.
 */
export function showVerifications(terminal: Terminal, report: VerifyAllReport): number {
  if (!terminal.json) {
    const lines = terminal.quiet
      ? report.backups.flatMap(({ id, verdict }) => (verdict === 'damaged' ? [id] : []))
      : renderVerifications(report, terminal.width);
    lines.forEach((line) => terminal.out(line));
  }
  if (report.outcome === 'damaged') return 13;
  return report.sample === undefined && report.left > 0 ? 3 : 0;
}

/** The backup's id is the last line, or the only one with `--quiet`. */
export function showCopy(terminal: Terminal, report: CopyReport): number {
  if (!terminal.json) {
    if (!terminal.quiet) renderCopy(report, terminal.width).forEach((line) => terminal.out(line));
    terminal.out(report.backupId);
  }
  return 0;
}
