import type { CommandSpec } from '../command-spec';
import { detach, id, inStorage, wait } from './shared';

/** What stays in the storage, and whether it is sound. */
export const retentionCommands: readonly CommandSpec[] = [
  {
    name: 'pin',
    summary: 'keep a backup from being removed',
    description: 'Pins a complete backup: neither prune nor remove takes it. Needs no Temporal.',
    arguments: [id],
    options: [inStorage],
    examples: ['holdfast pin 20260102-030405.11111111-2222-4333-8444-555555555555'],
    load: async () => (await import('../pin.js')).pin,
  },
  {
    name: 'unpin',
    summary: 'take the pin of a backup back',
    description: 'Lets prune and remove take a backup again that was pinned. Needs no Temporal.',
    arguments: [id],
    options: [inStorage],
    examples: ['holdfast unpin 20260102-030405.11111111-2222-4333-8444-555555555555'],
    load: async () => (await import('../pin.js')).unpin,
  },
  {
    name: 'prune',
    summary: 'remove backups that no rule keeps',
    description:
      "Shows which of this controller's backups no rule keeps, and why the others stay; with --yes those are removed. The rules are added up. Only complete backups count. Never removed: a pinned one, one that a restore or verification reads, the last good one, safety copies, damaged ones. Incomplete ones are swept a day after their last change.",
    arguments: [],
    options: [
      { name: 'keep-last', value: 'N', description: 'the newest N' },
      { name: 'keep-daily', value: 'N', description: 'the newest of each of the last N days' },
      { name: 'keep-weekly', value: 'N', description: 'of each of the last N weeks' },
      { name: 'keep-monthly', value: 'N', description: 'of each of the last N months' },
      { name: 'keep-yearly', value: 'N', description: 'of each of the last N years' },
      { name: 'older-than', value: 'TIME', description: 'nothing younger than TIME, such as 30d' },
      { name: 'yes', description: 'remove them, instead of showing what would be removed' },
      inStorage,
      wait,
      detach,
    ],
    examples: [
      'holdfast prune --keep-daily 7 --keep-weekly 5 --keep-monthly 12',
      'holdfast prune --older-than 30d --yes',
    ],
    load: async () => (await import('../prune.js')).prune,
  },
  {
    name: 'remove',
    summary: 'remove backups',
    description:
      'Removes backups from the storage, complete or not; all of them are looked at before the first one goes. Refused for one that is pinned, for the last good one of the storage, and for one that an operation reads or writes. With --keep-latest everything but the newest complete one goes, as far as prune would take it.',
    arguments: [{ ...id, required: false, repeatable: true }],
    options: [
      { name: 'keep-latest', description: 'remove all but the newest' },
      { name: 'yes', description: 'do not ask' },
      inStorage,
      wait,
      detach,
    ],
    examples: [
      'holdfast remove 20260102-030405.11111111-2222-4333-8444-555555555555 --yes',
      'holdfast remove --keep-latest',
    ],
    load: async () => (await import('../remove.js')).remove,
  },
  {
    name: 'verify',
    summary: 'read and prove every byte of backups',
    description:
      'Reads a stored backup from the first byte to the last and proves it against its MANIFEST and INDEX. Changes nothing but what `list` says of its last verification. A verification of the same backup that runs already is followed. With --all every backup of the storage is read, one after the other and at most 1,000 in a run; with --sample a part of them, those that were not proven for longest: every day 5% reads each of them within 20 days. Exit status 13 means damage; with --all, 3 means that some were left for the next run.',
    arguments: [{ ...id, required: false }],
    options: [
      { name: 'all', description: 'every backup in the storage' },
      {
        name: 'sample',
        value: 'PERCENT',
        description: 'this part of them, such as 5%, those not proven for longest',
      },
      inStorage,
      wait,
      detach,
    ],
    examples: [
      'holdfast verify 20260102-030405.11111111-2222-4333-8444-555555555555',
      'holdfast verify --all --storage offsite',
      'holdfast verify --sample 5%',
    ],
    load: async () => (await import('../verify.js')).verify,
  },
];
