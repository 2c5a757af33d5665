import { backupState } from '../../catalog/backup-state';
import type { BackupSummary } from '../../catalog/backup-summary';
import { quoteName } from '../../core/ids';
import { formatSize } from '../../core/sizes';
import { fitCells, renderTable } from '../render/table';
import { formatTime } from '../render/units';
import { hasOption, textOption, type CommandRun } from './command-spec';
import { withBackups } from './with-backups';

const longestNotes = 40;

/** `holdfast list`: the newest first. */
export const list: CommandRun = (context, input) => {
  const { terminal } = context;
  return withBackups(
    context,
    async (client) => {
      const storage = client.config.storage.name;
      const brief = terminal.quiet || hasOption(input, 'brief');
      if (brief && !terminal.json) {
        (await client.ids()).toReversed().forEach((id) => terminal.out(id));
        return 0;
      }
      const { from, value } = await client.listFrom();
      const backups = value.toReversed();
      if (terminal.json) {
        terminal.outJson({ v: 1, storage, from, backups: backups.map(toJson) });
      } else if (backups.length === 0) {
        terminal.note(`storage ${storage} holds no backups`);
      } else {
        table(backups, terminal.width).forEach((line) => terminal.out(line));
      }
      return 0;
    },
    textOption(input, 'storage'),
  );
};

function table(backups: readonly BackupSummary[], width: number): string[] {
  const columns = [
    { title: 'ID' },
    { title: 'DATE' },
    { title: 'SIZE', align: 'right' },
    { title: 'STATUS' },
    { title: 'NOTES', flexible: true },
    { title: 'JUJU' },
  ] as const;
  return renderTable(columns, backups.map(row), width);
}

function row(backup: BackupSummary): string[] {
  const known = backup.status === 'complete' ? backup : undefined;
  return [
    backup.id,
    formatTime(Date.parse(backup.started)),
    formatSize(backup.size),
    statusOf(backup),
    fitCells(quoteName(known?.notes ?? ''), longestNotes),
    quoteName(known?.jujuVersion ?? ''),
  ];
}

function statusOf(backup: BackupSummary): string {
  const { verified } = backup;
  const proven = verified === undefined ? '' : verified.sound ? ', verified' : ', found damaged';
  const pinned = `${proven}${backup.pinned ? ', pinned' : ''}`;
  if (backup.status !== 'complete') return `${backup.status}${pinned}`;
  const safety = backup.purpose === 'safety' ? ', safety copy' : '';
  return `${backup.outcome}${safety}${pinned}`;
}

function toJson(backup: BackupSummary): object {
  const { id, controller, size, started, status, pinned, verified } = backup;
  const known = verified === undefined ? {} : { verified };
  const state = backupState(backup);
  const base = { id, controller, size, started, status, state, pinned, ...known };
  switch (backup.status) {
    case 'complete': {
      const { finished, notes, jujuVersion, hosts, purpose, outcome, restorable } = backup;
      return { ...base, finished, notes, jujuVersion, hosts, purpose, outcome, restorable };
    }
    case 'damaged':
      return { ...base, code: backup.error.code, reason: backup.reason };
    case 'incomplete':
      return base;
    default:
      throw new TypeError(`backup ${String(backup satisfies never)}`);
  }
}
