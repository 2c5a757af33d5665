import { resolve } from 'node:path';
import { z } from 'zod';
import { path, secret, section, size, text } from './fields';
import { ownMongoShape, resolveOwnMongo, resolveSecret } from './own-mongo-schema';

const mebibyte = 1024 ** 2;

const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const nameRule = 'must be letters, digits, dots, underscores and hyphens';
const name = z.string().regex(namePattern, { error: nameRule }).prefault('default');

const fileShape = { type: z.literal('file'), path };

const endpoint = z.string().regex(/^https?:\/\/[^/\s?#@]+$/, {
  error: 'must be an http or https address without a path',
});

const s3Shape = {
  type: z.literal('s3'),
  bucket: z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, {
    error: 'must be the name of a bucket: 3 to 63 small letters, digits, dots and hyphens',
  }),
  prefix: z
    .string()
    .regex(/^(?:[A-Za-z0-9][A-Za-z0-9._-]*(?:\/[A-Za-z0-9][A-Za-z0-9._-]*)*)?$/, {
      error: 'must be names joined by slashes, without one at either end',
    })
    .prefault(''),
  region: text.prefault('us-east-1'),
  endpoint: endpoint.optional(),
  pathStyle: z.boolean().prefault(false),
  encryption: z
    .discriminatedUnion('type', [
      section({ type: z.literal('AES256') }),
      section({ type: z.literal('aws:kms'), keyId: text.optional() }),
      section({ type: z.literal('customer'), key: secret }),
    ])
    .optional(),
  credentials: section({ accessKeyId: text, secretAccessKey: secret }).optional(),
  partSize: size(5 * mebibyte, 5 * 1024 * mebibyte, 'between 5MiB and 5GiB').prefault('8MiB'),
  parallel: z.int().min(1).max(32).prefault(4),
  attempts: z.int().min(1).max(20).prefault(5),
  checksums: z.enum(['sha256', 'basic']).prefault('sha256'),
  conditionalWrites: z.enum(['auto', 'yes', 'no']).prefault('auto'),
  retention: section({
    mode: z.enum(['GOVERNANCE', 'COMPLIANCE']),
    days: z.int().min(1).max(36_500),
  }).optional(),
};

const gridfsShape = {
  type: z.literal('gridfs'),
  ...ownMongoShape('holdfast_storage'),
  bucket: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9_]{0,40}$/, { error: 'must be letters, digits and underscores' })
    .prefault('backups'),
};

const moduleShape = {
  type: z.literal('module'),
  module: text,
  options: z.record(z.string(), z.unknown()).prefault({}),
};

export const s3Storage = section({ name, ...s3Shape });
export const gridfsStorage = section({ name, ...gridfsShape });
export const moduleStorage = section({ name, ...moduleShape });

/** The section `storage` of holdfast.yaml. */
export const storageSchema = z.discriminatedUnion('type', [
  section({ name, ...fileShape }),
  s3Storage,
  gridfsStorage,
  moduleStorage,
]);

/** The section `storages`: other storages, each under its name. */
export const storagesSchema = z
  .record(
    z.string(),
    z.discriminatedUnion('type', [
      section(fileShape),
      section(s3Shape),
      section(gridfsShape),
      section(moduleShape),
    ]),
  )
  .superRefine((storages, context) => {
    for (const key of Object.keys(storages)) {
      if (namePattern.test(key)) continue;
      context.addIssue({ code: 'custom', path: [key], message: nameRule });
    }
  });

/** A storage as holdfast.yaml gives it, its paths absolute. */
export type StorageSettings = z.output<typeof storageSchema>;

type Unnamed<S> = S extends StorageSettings ? Omit<S, 'name'> : never;

/** A storage of the section `storages`: its name is its key. */
export type NamelessStorage = Unnamed<StorageSettings>;

/** Makes paths absolute, against the directory of the file. */
export function resolveStorage(storage: StorageSettings, directory: string): StorageSettings {
  switch (storage.type) {
    case 'file':
      return { ...storage, path: resolve(directory, storage.path) };
    case 's3': {
      const { encryption, credentials } = storage;
      return {
        ...storage,
        ...(encryption?.type === 'customer'
          ? { encryption: { ...encryption, key: resolveSecret(encryption.key, directory) } }
          : {}),
        ...(credentials === undefined
          ? {}
          : {
              credentials: {
                ...credentials,
                secretAccessKey: resolveSecret(credentials.secretAccessKey, directory),
              },
            }),
      };
    }
    case 'gridfs':
      return resolveOwnMongo(storage, directory);
    case 'module':
      return storage.module.startsWith('.')
        ? { ...storage, module: resolve(directory, storage.module) }
        : storage;
  }
}

/** What an operation remembers of a storage, to know it again: a path or an address, no secret. */
export function storageRoot(storage: StorageSettings): string {
  switch (storage.type) {
    case 'file':
      return storage.path;
    case 's3':
      return `s3:${storage.endpoint ?? storage.region}/${storage.bucket}/${storage.prefix}`;
    case 'gridfs':
      return `gridfs:${storage.hosts.join(',')}/${storage.database}/${storage.bucket}`;
    case 'module':
      return `module:${storage.module}`;
  }
}

/** A path on the volume that a storage fills on this host; undefined when it lies elsewhere. */
export function storageVolume(storage: StorageSettings): string | undefined {
  return storage.type === 'file' ? storage.path : undefined;
}
