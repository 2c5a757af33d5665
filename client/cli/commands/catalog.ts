import type { CommandSpec } from '../command-spec';
import { inStorage } from './shared';

/** Finding what backups hold. */
export const catalogCommands: readonly CommandSpec[] = [
  {
    name: 'find',
    summary: 'find which backups hold something',
    description:
      "Lists the atoms that PATTERN covers, of the newest backup first. An atom is what a dataset is made of, source/dataset/atom: `controller/machine-0-controller/juju` is the database juju of machine 0's controller, `…/files` are its host's files. In PATTERN `*` stands for any characters but a slash, `**` for any number of parts, `?` for one character, `[a-z]` for one of a set; without a slash it covers every atom that has such a part. With --entries the entries of the archives are looked through instead, by the INDEX of each backup: host files by their path, everything by its name in the archive. Needs no Temporal.",
    arguments: [{ name: 'PATTERN', required: true, description: 'what to look for' }],
    options: [
      {
        name: 'host',
        value: 'HOST',
        description: 'only of this host: its machine (machine-0, or 0) or its name',
      },
      {
        name: 'versions',
        value: 'N',
        description: 'of each only the newest N; safety copies and damaged backups do not count',
      },
      {
        name: 'older-than',
        value: 'AGE',
        description: 'only of backups begun that long ago (30d), or before a date (2026-01-02)',
      },
      { name: 'entries', description: 'look through the entries of the archives' },
      inStorage,
    ],
    examples: [
      'holdfast find juju',
      'holdfast find "controller/*/files" --versions 1 --older-than 7d',
      'holdfast find /var/lib/juju/agents/*/agent.conf --entries',
    ],
    load: async () => (await import('../find.js')).find,
  },
  {
    name: 'catalog rebuild',
    summary: 'make the catalog hold what the storage holds',
    description:
      'Enters every backup of the storage into the catalog that the section `catalog` names, and forgets those that are gone. Doing it again changes nothing. It is needed once, and after the catalog was lost; until then `list` and `find` answer from the storage. Needs no Temporal.',
    arguments: [],
    options: [inStorage],
    examples: ['holdfast catalog rebuild', 'holdfast catalog rebuild --storage offsite'],
    load: async () => (await import('../catalog.js')).catalogRebuild,
  },
];
