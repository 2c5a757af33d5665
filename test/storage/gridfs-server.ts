import { openGridfsStorage } from '../../storage/gridfs-store';
import type { GridfsStorageOptions } from '../../storage/gridfs-options';
import type { BackupStorage } from '../../storage/contract';
import type { TestReplicaSet } from '../mongo/replica-set';

/** Options of a storage on a test's replica set. */
export function gridfsOptions(
  set: TestReplicaSet,
  bucket: string,
  options: Partial<GridfsStorageOptions> = {},
): GridfsStorageOptions {
  const { hosts, replicaSet, tls, username, password } = set.target;
  return {
    name: 'one',
    hosts,
    replicaSet,
    ...(tls?.caFile === undefined ? {} : { tls: { caFile: tls.caFile } }),
    ...(username === undefined || password === undefined
      ? {}
      : { credentials: { username, password: () => Promise.resolve(password) } }),
    database: 'holdfast_storage',
    bucket,
    chunkSize: 255 * 1024,
    progressBytes: 2 * 1024 * 1024,
    timeout: 20_000,
    now: () => Date.now(),
    ...options,
  };
}

export function openGridfs(
  set: TestReplicaSet,
  bucket: string,
  options: Partial<GridfsStorageOptions> = {},
): BackupStorage {
  return openGridfsStorage(gridfsOptions(set, bucket, options));
}
