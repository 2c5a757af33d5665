import { backupState } from '../../catalog/backup-state';
import type { FindRequest, FoundAtoms } from '../../catalog/find-atoms';
import type { FoundEntry } from '../../catalog/find-entries';
import { PathPattern } from '../../catalog/path-pattern';
import { parseDuration } from '../../core/durations';
import { quoteName } from '../../core/ids';
import { formatSize } from '../../core/sizes';
import type { StoredBackups } from '../stored-backups';
import { renderTable } from '../render/table';
import { formatTime } from '../render/units';
import { hasOption, textOption, type CommandInput, type CommandRun } from './command-spec';
import { usageError } from './report-error';
import type { Terminal } from './terminal';
import { withBackups } from './with-backups';

/** `holdfast find PATTERN`: atoms, or with --entries what the archives hold. */
export const find: CommandRun = (context, input) => {
  const { terminal, environment } = context;
  const request = requestOf(input, environment.now());
  return withBackups(
    context,
    async (client) => {
      if (hasOption(input, 'entries')) return showEntries(terminal, client, request);
      const { from, value } = await client.findAtoms(request);
      if (terminal.json) {
        const storage = client.config.storage.name;
        const pattern = request.pattern.text;
        terminal.outJson({ v: 1, storage, from, pattern, backups: value.map(toJson) });
      } else if (terminal.quiet) {
        value.forEach(({ backup }) => terminal.out(backup.id));
      } else if (value.length === 0) {
        terminal.note(`no backup holds ${quoteName(request.pattern.text)}`);
      } else {
        atomTable(value, terminal.width).forEach((line) => terminal.out(line));
      }
      return 0;
    },
    textOption(input, 'storage'),
  );
};

function requestOf(input: CommandInput, now: number): FindRequest {
  const pattern = new PathPattern(input.arguments[0] ?? '');
  const problem = pattern.problem();
  if (problem !== undefined) throw usageError(`PATTERN cannot match: ${problem}`, 'find');
  const versions = textOption(input, 'versions');
  if (versions !== undefined && !/^[1-9]\d{0,5}$/.test(versions)) {
    throw usageError(`--versions takes a number from 1, not ${quoteName(versions)}`, 'find');
  }
  return {
    pattern,
    host: textOption(input, 'host'),
    numVersions: versions === undefined ? undefined : Number(versions),
    olderThan: momentOf(textOption(input, 'older-than'), now),
  };
}

function momentOf(text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined;
  const age = parseDuration(text);
  if (age !== undefined) return now - age;
  const isDate = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/.test(text);
  const at = isDate ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(at)) return at;
  const problem = `--older-than takes a time such as 30d, or a date such as 2026-01-02, not ${quoteName(text)}`;
  throw usageError(problem, 'find');
}

function atomTable(found: readonly FoundAtoms[], width: number): string[] {
  const columns = [
    { title: 'ATOM', flexible: true },
    { title: 'BACKUP' },
    { title: 'DATE' },
    { title: 'HOST' },
    { title: 'STATUS' },
  ] as const;
  const rows = found.flatMap(({ backup, datasets }) =>
    datasets.flatMap(({ host, atoms }) =>
      atoms.map(({ path }) => [
        quoteName(path),
        backup.id,
        formatTime(Date.parse(backup.started)),
        quoteName(host ?? ''),
        stateText(backup),
      ]),
    ),
  );
  return renderTable(columns, rows, width);
}

function stateText({ outcome, purpose, verified }: FoundAtoms['backup']): string {
  const state = backupState({ status: 'complete', verified });
  const kind = outcome === 'partial' ? ['partial'] : [];
  return [state, ...kind, ...(purpose === 'safety' ? ['safety copy'] : [])].join(', ');
}

function toJson({ backup, datasets }: FoundAtoms): object {
  const { verified, ...rest } = backup;
  const state = backupState({ status: 'complete', verified });
  return { ...rest, state, ...(verified === undefined ? {} : { verified }), datasets };
}

/** Lines as they are found: an archive may hold many. */
async function showEntries(
  terminal: Terminal,
  client: StoredBackups,
  request: FindRequest,
): Promise<number> {
  let exit = 0;
  let count = 0;
  const entries = client.findEntries(request, (backup, error) => {
    exit = error.exit;
    terminal.notice(
      `the INDEX of ${backup.id} cannot be searched: [${error.code}] ${error.message}`,
    );
  });
  for await (const found of entries) {
    count += 1;
    if (terminal.json) terminal.outJson(entryJson(found));
    else terminal.out(terminal.quiet ? `${found.backup.id} ${quoteName(found.path)}` : row(found));
  }
  if (count === 0) terminal.note(`no backup holds ${quoteName(request.pattern.text)}`);
  return exit;
}

const sizeWidth = 9;

function row({ backup, entry, path }: FoundEntry): string {
  const size = entry.type === 'file' ? formatSize(entry.size) : entry.type;
  const target = entry.type === 'symlink' ? ` -> ${quoteName(entry.link)}` : '';
  const at = formatTime(entry.mtime * 1000);
  return `${backup.id}  ${size.padStart(sizeWidth)}  ${at}  ${quoteName(path)}${target}`;
}

function entryJson({ backup, entry, path }: FoundEntry): object {
  const { type: entryType, path: archivePath, mode, uid, gid, size } = entry;
  const base = { path, archivePath, entryType, mode, uid, gid, size, mtime: entry.mtime * 1000 };
  const more =
    entry.type === 'file'
      ? { sha256: entry.sha256, documents: entry.documents }
      : entry.type === 'symlink'
        ? { link: entry.link }
        : {};
  return { type: 'entry', v: 1, backupId: backup.id, ...base, ...more };
}
