export { HoldfastError, isHoldfastError } from '../core/errors';
export { indexName, manifestName } from './contract';
export type {
  BackupHandle,
  BackupStorage,
  ByteRange,
  CallOptions,
  FileWriter,
  ReadHandle,
  ScannedBackup,
  StorageCapabilities,
  StorageName,
  StoredFile,
  SweepOptions,
  UploadOptions,
  UploadSource,
  UploadState,
  WriteHandle,
} from './contract';
export { describeStorage } from './conformance';
export type { StorageUnderTest } from './conformance-kit';
export { openFileStorage, type FileStorageOptions } from './file-storage';
export { checkName, directoryParts, isStorageName } from './names';
export { createStorageRegistry, StorageRegistry, type StorageFactory } from './registry';
export type { StorageConfig } from './storage-config';
export { openGridfsStorage } from './gridfs-store';
export type { GridfsStorageOptions } from './gridfs-options';
export { openS3Storage } from './s3-store';
export type { S3Credentials, S3Encryption, S3StorageOptions } from './s3-options';
export { faultyStorage, type PlannedFault, type StorageFault } from './faulty-storage';
export { meterStorage, type StorageMeter } from './metered-storage';
export { ObjectStorage } from './object-storage';
export type {
  ObjectStore,
  ObjectWriter,
  OpenUpload,
  StoreObject,
  UploadHooks,
} from './object-store';
export { readOnlyStorage } from './read-only-storage';
export { throttleStorage } from './throttled-storage';
export { wrapStorage, type StorageOperation, type Wrapping } from './wrapped-storage';
