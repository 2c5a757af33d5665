/** The client library of Holdfast: the package's main entry. */
export { HoldfastClient } from './holdfast-client';
export type { Downloaded, DownloadOptions } from './download';
export type { Uploaded, UploadOptions } from './upload';
export type { OperationHandle } from './operation-handle';
export type { StartOptions } from './operation-request';
export type { BackupOptions, RestoreCollectionsOptions, RestoreOptions } from './operations';
export type { CopyOptions, PruneOptions, VerifyAllOptions } from './stored-operations';
export type { Interrupted } from './interrupted';
export type { PendingStep, Report, Status } from './status';
export { HoldfastError, isHoldfastError } from '../core/errors';
export type { ErrorCode } from '../core/error-table';
export { loadConfig, type LoadedConfig, type LoadOptions } from '../config/load';
export { processEnvironment, type Environment } from '../config/environment';
export type { HoldfastConfig } from '../config/holdfast-config';
export type {
  BackupSummary,
  CompleteBackup,
  DamagedBackup,
  IncompleteBackup,
} from '../catalog/backup-summary';
export type { FoundBackup } from '../catalog/storage-catalog';
export type { Manifest } from '../archive/manifest';
export type {
  ArchiveFacts,
  BackupChoice,
  BackupReport,
  CollectionChoice,
  CollectionSource,
  CancelAnswer,
  CopyReport,
  HeartbeatDetail,
  PreflightCheck,
  PreflightReport,
  PruneReport,
  RestoreCollectionsReport,
  RestoreReport,
  VerifiedBackup,
  VerifyAllReport,
  VerifyReport,
} from '../core/messages';
