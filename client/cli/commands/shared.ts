import type { OptionSpec } from '../command-spec';

/** The argument that names a backup. */
export const id = {
  name: 'ID',
  required: true,
  description: 'backup id, as `holdfast list` shows it',
  known: 'list',
} as const;

/** Of what needs a worker. */
export const wait: OptionSpec = {
  name: 'wait',
  description: 'start now although no worker answers, and let the work wait for it',
};

/** Of what is followed to its end. */
export const detach: OptionSpec = {
  name: 'detach',
  description: 'start it, print its workflow and run id, and return',
};

/** Of what holds the controller. */
export const attach: OptionSpec = {
  name: 'attach',
  description: 'follow the one that runs already, instead of refusing',
};

/** Of what works on backups: which of several storages. */
export const inStorage: OptionSpec = {
  name: 'storage',
  value: 'NAME',
  description: 'another storage of the configuration than the default one',
};
