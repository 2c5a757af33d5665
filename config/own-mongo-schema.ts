import { resolve } from 'node:path';
import { z } from 'zod';
import { hostPort, path, secret, section, text } from './fields';

/** Settings of a MongoDB in which Holdfast keeps something of its own; `database` when none is named. */
export const ownMongoShape = (database: string) => ({
  hosts: z.array(hostPort).min(1),
  replicaSet: text.optional(),
  tls: section({ caFile: path }).optional(),
  username: text.optional(),
  password: secret.optional(),
  database: z
    .string()
    .regex(/^holdfast[A-Za-z0-9_-]{0,50}$/, {
      error: 'must begin with holdfast: such databases are never part of a backup',
    })
    .prefault(database),
});

/** A reference to a secret with its path absolute, against the directory of the file. */
export function resolveSecret(
  reference: z.output<typeof secret>,
  directory: string,
): z.output<typeof secret> {
  return 'file' in reference ? { file: resolve(directory, reference.file) } : reference;
}

/** Makes the paths of such settings absolute. */
export function resolveOwnMongo<
  T extends {
    readonly tls?: { caFile: string } | undefined;
    readonly password?: z.output<typeof secret> | undefined;
  },
>(settings: T, directory: string): T {
  const { tls, password } = settings;
  return {
    ...settings,
    ...(tls === undefined ? {} : { tls: { caFile: resolve(directory, tls.caFile) } }),
    ...(password === undefined ? {} : { password: resolveSecret(password, directory) }),
  };
}
