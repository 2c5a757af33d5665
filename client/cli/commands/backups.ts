import type { CommandSpec } from '../command-spec';
import { attach, detach, id, inStorage, wait } from './shared';

/** Taking backups, and seeing and moving those that are there. */
export const backupCommands: readonly CommandSpec[] = [
  {
    name: 'create',
    summary: 'take a backup of the controller',
    description:
      'Takes a backup of the controller this host belongs to, and prints its id as the last line. The backup is listed when, and only when, it is complete and proven. Ctrl-C leaves it running.',
    arguments: [{ name: 'NOTES', required: false, description: 'what to remember about it' }],
    options: [
      {
        name: 'metadata-format',
        value: '0|1|2',
        description: "format of metadata.json (default: that of the controller's own Juju)",
      },
      inStorage,
      wait,
      detach,
      attach,
    ],
    examples: [
      'holdfast create',
      'holdfast create "before the upgrade"',
      'ID=$(holdfast create --quiet)',
    ],
    load: async () => (await import('../create.js')).create,
  },
  {
    name: 'list',
    summary: 'list the backups in the storage',
    description:
      "Lists this controller's backups, the newest first, with what their MANIFESTs say: by the catalog where one is configured, else by the storage. Each MANIFEST is read once and kept on this computer's disk. Needs no Temporal.",
    arguments: [],
    options: [
      { name: 'brief', description: 'ids only, one a line; no MANIFEST is read' },
      inStorage,
    ],
    examples: [
      'holdfast list',
      'holdfast list --storage offsite',
      "holdfast list --json | jq -r '.backups[0].id'",
    ],
    load: async () => (await import('../list.js')).list,
  },
  {
    name: 'info',
    summary: 'show what is known of one backup',
    description:
      "Shows a backup's metadata as Juju keeps it, and what its MANIFEST says. Needs no Temporal.",
    arguments: [id],
    options: [inStorage],
    examples: ['holdfast info 20260102-030405.11111111-2222-4333-8444-555555555555'],
    load: async () => (await import('../info.js')).info,
  },
  {
    name: 'download',
    summary: 'fetch the archive of a backup',
    description:
      'Fetches the archive of a backup into FILE, or under its own name into the directory FILE or the working directory, and prints its path. FILE exists only whole, with the SHA-256 that its MANIFEST says; interrupted, the same command goes on where it stopped, from FILE.part, once what is there is proven. Nothing is removed from the storage. The archive holds secrets: FILE is readable by its owner alone. Needs no Temporal.',
    arguments: [id, { name: 'FILE', required: false, description: 'where to write it' }],
    options: [
      inStorage,
      { name: 'force', description: 'replace FILE when it is there' },
      {
        name: 'single-member',
        description: 'rewrite it to one gzip member, for readers that stop after the first',
      },
    ],
    examples: [
      'holdfast download 20260102-030405.11111111-2222-4333-8444-555555555555',
      'holdfast download latest /srv/copies',
    ],
    load: async () => (await import('../download.js')).download,
  },
  {
    name: 'upload',
    summary: 'add an archive that Juju made',
    description:
      'Adds an archive that Juju made, of any format from 1.20 to 3.6, to the storage, and prints the id of the backup it is from now on: list, info, verify and restore work on it. It is read through the strict reader and laid out anew, so that any part of it can be reached; entries and their contents stay as they are, the digests of FILE are kept in MANIFEST. The workspace holds a copy meanwhile. A backup that is there already is not touched. Needs no Temporal.',
    arguments: [{ name: 'FILE', required: true, description: 'the .tar.gz that Juju made' }],
    options: [inStorage],
    examples: ['holdfast upload juju-backup-20260102-030405.tar.gz'],
    load: async () => (await import('../upload.js')).upload,
  },
  {
    name: 'copy',
    summary: 'copy a backup into another storage',
    description:
      'Copies a complete backup, every file of it, from one storage of the configuration into another, as an operation on the host: it is complete there, proven against its MANIFEST, or not there at all. Interrupted it goes on where it was. Where the identical backup is already it is done at once; another one under the same id is refused. Pins and results of verifications are not copied. Ctrl-C leaves it running.',
    arguments: [id],
    options: [
      { name: 'to', value: 'NAME', description: 'storage to copy into' },
      {
        name: 'from',
        value: 'NAME',
        description: 'storage to read from (default: the default one)',
      },
      wait,
      detach,
    ],
    examples: [
      'holdfast copy latest --to offsite',
      'holdfast copy 20260102-030405.11111111-2222-4333-8444-555555555555 --from offsite --to default',
    ],
    load: async () => (await import('../copy.js')).copy,
  },
];
