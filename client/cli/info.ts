import { backupState } from '../../catalog/backup-state';
import type { CompleteBackup } from '../../catalog/backup-summary';
import { quoteName } from '../../core/ids';
import { formatSize } from '../../core/sizes';
import { renderFacts, renderTable } from '../render/table';
import { formatCount, formatDuration, formatTime } from '../render/units';
import { textOption, type CommandRun } from './command-spec';
import { withBackups } from './with-backups';

/** `holdfast info ID`. */
export const info: CommandRun = (context, input) => {
  const { terminal } = context;
  return withBackups(
    context,
    async (client) => {
      const { summary, manifest } = await client.info(input.arguments[0] ?? '');
      if (terminal.json) {
        const { id, size, status, restorable, pinned, verified } = summary;
        const known = verified === undefined ? {} : { verified };
        const state = backupState(summary);
        terminal.outJson({ v: 1, id, size, status, state, restorable, pinned, ...known, manifest });
      } else if (terminal.quiet) {
        terminal.out(summary.id);
      } else {
        describe(summary, client.config.storage.name, terminal.width).forEach((line) =>
          terminal.out(line),
        );
      }
      return 0;
    },
    textOption(input, 'storage'),
  );
};

type Facts = (readonly [string, string])[];

function describe(backup: CompleteBackup, storage: string, width: number): string[] {
  return [
    ...renderFacts(jujuFacts(backup), width),
    '',
    ...renderFacts(holdfastFacts(backup, storage), width),
    '',
    ...fileTable(backup, width),
  ];
}

/** The lines Juju shows of a backup, under Juju's own names for them. */
function jujuFacts({ manifest }: CompleteBackup): Facts {
  const { metadata, files } = manifest;
  const of = (...names: string[]): string =>
    quoteName(
      String(names.map((name) => metadata[name]).find((value) => value !== undefined) ?? ''),
    );
  const archive = files[0];
  return [
    ['backup ID', manifest.backupId],
    ['backup format version', of('FormatVersion') || '0'],
    ['juju version', of('Version')],
    ['base', of('Base', 'Series')],
    ['controller UUID', of('ControllerUUID')],
    ['model UUID', of('ModelUUID', 'Environment')],
    ['machine ID', of('Machine')],
    ['created on host', of('Hostname')],
    ['started', formatTime(Date.parse(manifest.started))],
    ['finished', formatTime(Date.parse(manifest.finished))],
    ['checksum', archive === undefined ? '' : `${archive.content.sha1Base64} (SHA-1, base64)`],
    ['size (B)', archive === undefined ? '' : String(archive.content.size)],
    ['notes', quoteName(manifest.notes)],
  ];
}

function holdfastFacts(
  { manifest, size, restorable, pinned, verified }: CompleteBackup,
  storage: string,
): Facts {
  const { mongo, hosts, tool, datasets } = manifest;
  const took = Date.parse(manifest.finished) - Date.parse(manifest.started);
  const database: Facts =
    mongo === null
      ? []
      : [
          ['mongod', `${quoteName(mongo.version)}, compatibility ${quoteName(mongo.fcv)}`],
          ['replica set', `${quoteName(mongo.replicaSet)}, read from ${quoteName(mongo.node)}`],
          ['oplog', `${formatCount(mongo.oplog.entries)} entries`],
        ];
  return [
    ['storage', `${quoteName(storage)}, ${formatSize(size)}`],
    ['kind', `${quoteName(manifest.kind)}, ${manifest.purpose}, ${manifest.outcome}`],
    ['can be restored', restorable ? 'yes' : 'no: a newer Holdfast made it'],
    ['verified', verifiedText(verified)],
    ['pinned', pinned ? 'yes: nothing removes it' : 'no'],
    ['tags', manifest.tags.map(quoteName).join(', ')],
    ['hosts', hosts.map((host) => quoteName(`${host.machine} (${host.hostname})`)).join(', ')],
    ...database,
    ...datasets.map(
      (set) =>
        [
          `dataset ${quoteName(set.id)}`,
          `${set.handler}, ${set.repository}, ${formatCount(set.totalFiles)} files, ${formatSize(set.totalBytes)}`,
        ] as const,
    ),
    ...originFacts(manifest.origin),
    ...(manifest.origin === undefined ? [['taken in', formatDuration(took)] as const] : []),
    ['made by', quoteName(`${tool.name} ${tool.version}`)],
  ];
}

function verifiedText(verified: CompleteBackup['verified']): string {
  if (verified === undefined) return 'not yet';
  return `${formatTime(verified.at)}, ${verified.sound ? 'sound' : 'DAMAGED'}`;
}

/** Which file of Juju's the backup was made of, under the checksum that Juju knows it by. */
function originFacts(origin: CompleteBackup['manifest']['origin']): Facts {
  if (origin === undefined) return [];
  return [
    ['uploaded from', `${quoteName(origin.name)}, ${formatSize(origin.size)}`],
    ['its checksum', `${origin.sha1Base64} (SHA-1, base64)`],
    ['its SHA-256', origin.sha256],
  ];
}

function fileTable({ manifest }: CompleteBackup, width: number): string[] {
  return renderTable(
    [{ title: 'FILE' }, { title: 'SIZE', align: 'right' }, { title: 'SHA-256' }],
    manifest.files.map(({ name, content }) => [
      quoteName(name),
      formatSize(content.size),
      content.sha256,
    ]),
    width,
  );
}
