import { join } from 'node:path';
import { contentDir, dumpDir, filesBundle, metadataFile } from './paths';

/** Where the parts of a Juju archive are. */
export interface ArchivePaths {
  /** The only top-level entry; everything else is in it. */
  readonly contentDir: string;
  /** The tar of the host's files. */
  readonly filesBundle: string;
  /** What mongodump would have written. */
  readonly dbDumpDir: string;
  readonly metadataFile: string;
}

/** The paths as they stand in an archive: relative, parts joined by `/`. */
export function canonicalArchivePaths(): ArchivePaths {
  return { contentDir, filesBundle, dbDumpDir: dumpDir, metadataFile };
}

/** The paths below a directory that an archive was unpacked into. */
export function rootedArchivePaths(rootDir: string): ArchivePaths {
  return {
    contentDir: join(rootDir, contentDir),
    filesBundle: join(rootDir, filesBundle),
    dbDumpDir: join(rootDir, dumpDir),
    metadataFile: join(rootDir, metadataFile),
  };
}
