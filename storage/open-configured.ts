import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { z } from 'zod';
import type { Environment } from '../config/environment';
import { readSecret } from '../config/secret-reference';
import { gridfsStorage, moduleStorage, s3Storage } from '../config/storage-schema';
import { errorText, HoldfastError } from '../core/errors';
import type { BackupStorage } from './contract';
import { openGridfsStorage } from './gridfs-store';
import type { StorageConfig } from './storage-config';
import type { S3Encryption } from './s3-options';
import { openS3Storage } from './s3-store';

/** What the built-in types need of the process. */
export type StorageEnvironment = Pick<Environment, 'variables' | 'uid' | 'now'>;

const timeout = 30_000;
const chunkSize = 255 * 1024;
const progressBytes = 64 * 1024 * 1024;

function settings<T extends z.ZodType>(schema: T, config: StorageConfig): z.output<T> {
  const parsed = schema.safeParse(config);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  const params = { storage: config.name, problems: problems.join('; ') };
  throw new HoldfastError('HF-STORAGE-015', params, { cause: parsed.error });
}

/** Opens a storage of type `s3`. @throws HoldfastError HF-STORAGE-015 */
export function openS3(config: StorageConfig, environment: StorageEnvironment): BackupStorage {
  const { encryption, credentials, type: _type, ...rest } = settings(s3Storage, config);
  return openS3Storage({
    ...rest,
    timeout,
    now: () => environment.now(),
    encryption: encryptionOf(encryption, environment),
    credentials:
      credentials === undefined
        ? undefined
        : async () => ({
            accessKeyId: credentials.accessKeyId,
            secretAccessKey: (await readSecret(credentials.secretAccessKey, environment)).reveal(),
          }),
  });
}

function encryptionOf(
  encryption: z.output<typeof s3Storage>['encryption'],
  environment: StorageEnvironment,
): S3Encryption | undefined {
  switch (encryption?.type) {
    case undefined:
      return undefined;
    case 'AES256':
      return { type: 'AES256' };
    case 'aws:kms':
      return {
        type: 'aws:kms',
        ...(encryption.keyId === undefined ? {} : { keyId: encryption.keyId }),
      };
    case 'customer': {
      const { key } = encryption;
      return { type: 'customer', key: () => readSecret(key, environment) };
    }
  }
}

/** Opens a storage of type `gridfs`. @throws HoldfastError HF-STORAGE-015 */
export function openGridfs(config: StorageConfig, environment: StorageEnvironment): BackupStorage {
  const { username, password, type: _type, ...rest } = settings(gridfsStorage, config);
  const credentials =
    username === undefined || password === undefined
      ? undefined
      : { username, password: () => readSecret(password, environment) };
  const now = (): number => environment.now();
  return openGridfsStorage({ ...rest, credentials, chunkSize, progressBytes, timeout, now });
}

function isStorage(value: unknown): value is BackupStorage {
  const needed = ['startBackup', 'resumeBackup', 'openBackup', 'listBackups', 'scan', 'sweep'];
  return (
    typeof value === 'object' &&
    value !== null &&
    needed.every((method) => method in value && typeof Reflect.get(value, method) === 'function')
  );
}

/**
 * Opens a storage of another maker: its module, found from the working directory when it is no
 * absolute path, exports `openStorage({name, options})`, which gives a BackupStorage.
 *
 * @throws HoldfastError HF-STORAGE-015
 */
export function openModule(config: StorageConfig): BackupStorage {
  const { name, module, options } = settings(moduleStorage, config);
  const refuse = (problems: string, cause?: unknown): HoldfastError =>
    new HoldfastError('HF-STORAGE-015', { storage: name, problems }, { cause });
  let loaded: unknown;
  try {
    loaded = createRequire(join(process.cwd(), 'holdfast.yaml'))(module);
  } catch (error) {
    throw refuse(`module ${module} cannot be loaded: ${errorText(error)}`, error);
  }
  const open: unknown =
    typeof loaded === 'object' && loaded !== null && 'openStorage' in loaded
      ? loaded.openStorage
      : undefined;
  if (typeof open !== 'function') throw refuse(`module ${module} exports no openStorage`);
  const storage: unknown = Reflect.apply(open, undefined, [{ name, options }]);
  if (!isStorage(storage)) throw refuse(`openStorage of ${module} gave no storage`);
  return storage;
}
