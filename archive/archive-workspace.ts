import { createReadStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { isMissing } from '../config/durable-file';
import { rootedArchivePaths, type ArchivePaths } from './archive-paths';
import { ArchiveReading } from './archive-reading';
import { allowedEntries, gunzipped } from './entries';
import { unpackEntries } from './unpack';

/** Where and how an archive is unpacked. */
export interface ArchiveWorkspaceOptions {
  /** An existing directory: the workspace becomes a directory in it, of mode 0700. */
  readonly directory: string;
  /** Name of the archive, for errors. */
  readonly name?: string;
  readonly signal?: AbortSignal;
}

/** A Juju archive unpacked into a directory of its own, until `close`. Memory does not grow with it. */
export class ArchiveWorkspace extends ArchiveReading {
  /** Where everything is on disk. */
  readonly paths: ArchivePaths;

  private constructor(
    readonly rootDir: string,
    name: string,
  ) {
    super({ name, file: (path) => fileOf(join(rootDir, path)) });
    this.paths = rootedArchivePaths(rootDir);
  }

  /**
   * Unpacks a `.tar.gz`, of one gzip member or many, as Juju and Holdfast make them. Nothing is written
   * outside of the workspace, and only what has a place in a Juju archive; a failure leaves nothing.
   *
   * @throws HoldfastError HF-ARCHIVE-001 when it is damaged, HF-ARCHIVE-002 for an entry that is not
   * allowed, HF-FILES-001 when something can't be written; the signal's reason; whatever `archive` throws
   */
  static async unpack(
    archive: AsyncIterable<Uint8Array>,
    options: ArchiveWorkspaceOptions,
  ): Promise<ArchiveWorkspace> {
    const { directory, name = 'the archive', signal } = options;
    const target = await mkdtemp(join(resolve(directory), 'juju-backup-'));
    try {
      const entries = allowedEntries(gunzipped(archive, name), 'archive', name);
      await unpackEntries(entries, { target, modes: 'private', signal });
      return new ArchiveWorkspace(target, name);
    } catch (error) {
      await rm(target, { recursive: true, force: true });
      throw error;
    }
  }

  /** Removes the workspace with all that is in it. Once more is fine. */
  async close(): Promise<void> {
    await rm(this.rootDir, { recursive: true, force: true });
  }
}

async function fileOf(path: string): Promise<AsyncIterable<Buffer> | undefined> {
  try {
    if (!(await stat(path)).isFile()) return undefined;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  return createReadStream(path);
}
