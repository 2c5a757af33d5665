/** Reading Juju's backup archives as a library: the entry point `holdfast/archive`. */
export { ArchiveData, type ArchiveDataOptions } from '../archive/archive-data';
export { buildMetadata, checksumFormat, markComplete } from '../archive/archive-file-metadata';
export {
  canonicalArchivePaths,
  rootedArchivePaths,
  type ArchivePaths,
} from '../archive/archive-paths';
export { ArchiveReading } from '../archive/archive-reading';
export { ArchiveWorkspace, type ArchiveWorkspaceOptions } from '../archive/archive-workspace';
export type { JujuMetadata } from '../archive/metadata';
export { getFilesToBackUp } from '../controller/files-to-back-up';
