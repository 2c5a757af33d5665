import type { CommandSpec, OptionSpec } from '../command-spec';
import { attach, detach, id, inStorage, wait } from './shared';

/** With one of these a restore is of collections, beside everything else. */
const collectionOptions: readonly OptionSpec[] = [
  {
    name: 'from-dump',
    value: 'PATH',
    description: 'from a directory or archive of mongodump on this host, plain or gzip',
  },
  {
    name: 'only',
    value: 'NAMESPACE',
    description: 'restore only this collection, such as juju.units, or juju.* for a database',
  },
  {
    name: 'as',
    value: 'NAMESPACE',
    description: 'restore what --only names under another name, such as scratch.units or scratch.*',
  },
  {
    name: 'include',
    value: 'PATTERN',
    repeatable: true,
    description: 'restore only collections like this one; may be repeated',
  },
  {
    name: 'exclude',
    value: 'PATTERN',
    repeatable: true,
    description: 'restore no collections like this one; may be repeated',
  },
  {
    name: 'replace',
    description: 'replace collections that exist, instead of refusing; the agent must not run',
  },
  {
    name: 'in-place',
    description:
      'drop time series that exist and load them anew, with no way back; the agent must not run',
  },
  {
    name: 'oplog-limit',
    value: 'SECONDS[:ORDINAL]',
    description: 'replay the oplog only up to this moment, exclusive',
  },
];

/** Bringing data back. */
export const restoreCommands: readonly CommandSpec[] = [
  {
    name: 'restore',
    summary: 'restore the controller from a backup',
    description:
      'Loads a backup beside the live data, proves it, and only then replaces the live data: the controller is away for seconds. Until then nothing is changed; after that it ends complete, or is rolled back. With --only, --include, --exclude or --from-dump only collections are restored, beside everything else and while the agents run. In a pattern * stands for anything, and \\ takes the meaning from the character behind it. Ctrl-C leaves it running.',
    arguments: [{ ...id, required: false }],
    options: [
      { name: 'latest', description: 'the newest complete backup' },
      {
        name: 'file',
        value: 'FILE',
        description: 'an archive that Juju made; it is added to the storage first, as upload does',
      },
      ...collectionOptions,
      inStorage,
      { name: 'yes', description: 'do not ask before anything is changed' },
      { name: 'plan', description: 'check everything, show the result, and stop' },
      { name: 'resume', description: 'finish the restore that was interrupted on this host' },
      { name: 'rollback', description: 'go back to the state before the interrupted restore' },
      { name: 'keep-old', description: 'keep the replaced collections and files' },
      wait,
      detach,
      attach,
    ],
    examples: [
      'holdfast restore --latest --plan',
      'holdfast restore 20260102-030405.11111111-2222-4333-8444-555555555555 --yes',
      'holdfast restore --rollback',
      'holdfast restore --latest --only juju.units --as scratch.units',
      "holdfast restore --from-dump /srv/dump --include 'juju.*' --exclude juju.txns.log",
    ],
    load: async () => (await import('../restore.js')).restore,
  },
];
