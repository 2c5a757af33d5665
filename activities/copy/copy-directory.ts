import { lstat, mkdir, readFile, readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { parseManifest, type Manifest } from '../../archive/manifest';
import {
  errorCode,
  isMissing,
  readJsonFile,
  syncDirectory,
  writeFileDurably,
} from '../../config/durable-file';
import { storageRoot } from '../../config/storage-schema';
import { findStorage } from '../../config/storages';
import { HoldfastError } from '../../core/errors';
import type { ActivityDependencies } from '../dependencies';
import type { Attempt } from '../step';
import { Workspace } from '../workspace/workspace';

const copySchema = z.object({
  v: z.literal(1),
  backupId: z.string(),
  /** Directory in both storages. */
  directory: z.string(),
  /** From MANIFEST: who has a complete backup is who its MANIFEST names. */
  owner: z.string(),
  from: z.string(),
  fromRoot: z.string(),
  to: z.string(),
  toRoot: z.string(),
  /** Milliseconds since the epoch: attempts of a later run must have higher numbers. */
  began: z.number(),
});

/** What a copy was begun with, frozen. */
export type CopyRef = z.infer<typeof copySchema>;

/**
 * What a copy keeps on its host until it has ended: `<workspace>/copies/<run id>` with `copy.json`,
 * the MANIFEST it writes last, and the state of its upload. Apart from `runs/`: a copy touches neither
 * host nor mongod, needs no journal, and runs beside a backup.
 */
export class CopyDirectories {
  constructor(private readonly workspace: string) {}

  get #parent(): string {
    return join(this.workspace, 'copies');
  }

  path(runId: string): string {
    return join(this.#parent, runId);
  }

  /**
   * Makes a run's directory. `requireWanted` is asked when it is there, as in Workspace.ensureWantedRun.
   * @throws HoldfastError HF-WORKSPACE-001; what requireWanted throws.
   */
  async make(runId: string, requireWanted: () => Promise<void>): Promise<string> {
    await new Workspace(this.workspace).ensure();
    const path = this.path(runId);
    await mkdir(path, { recursive: true, mode: 0o700 });
    await syncDirectory(this.#parent);
    try {
      await requireWanted();
    } catch (error) {
      await removeEmpty(path);
      await removeEmpty(this.#parent);
      throw error;
    }
    return path;
  }

  /** Ids of the runs that have a directory. */
  async runs(): Promise<readonly string[]> {
    try {
      return await readdir(this.#parent);
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  }

  /** What a run was begun with; undefined when it had begun nothing. */
  async find(runId: string): Promise<CopyRef | undefined> {
    const value = await readJsonFile(join(this.path(runId), 'copy.json'));
    return value === undefined ? undefined : copySchema.parse(value);
  }

  /** Makes durable what the copy is and which MANIFEST it writes. */
  async write(runId: string, ref: CopyRef, manifest: Uint8Array): Promise<void> {
    await writeFileDurably(join(this.path(runId), 'MANIFEST'), manifest);
    await writeFileDurably(join(this.path(runId), 'copy.json'), JSON.stringify(ref));
  }

  /** The MANIFEST that `write` was given. */
  async manifest(runId: string): Promise<Buffer> {
    return readFile(join(this.path(runId), 'MANIFEST'));
  }

  /** Idempotent. */
  async remove(runId: string): Promise<void> {
    await rm(this.path(runId), { recursive: true, force: true });
    await removeEmpty(this.#parent);
  }
}

async function removeEmpty(path: string): Promise<void> {
  await rmdir(path).catch((error: unknown) => {
    if (errorCode(error) !== 'ENOTEMPTY' && !isMissing(error)) throw error;
  });
}

/** What the steps of a copy need of their attempt. */
export type CopyAttempt = Pick<Attempt, 'signal' | 'progress' | 'pace' | 'requireWanted' | 'warn'>;

/** A copy that is under way, for its steps. */
export interface Copying {
  readonly ref: CopyRef;
  /** Of the run. */
  readonly directory: string;
  /** The bytes that the copy's MANIFEST will have. */
  readonly manifestBytes: Buffer;
  readonly files: readonly CopiedFile[];
}

/** A file of a backup as its MANIFEST names it. */
export interface CopiedFile {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Hex, of the stored bytes. */
  readonly sha256: string;
}

/** Every file of a backup but MANIFEST itself: marks of verifications and pins are none of it. */
export function copiedFiles({ files, index }: Manifest): CopiedFile[] {
  const stored = files.map(({ name, stored: { size, sha256 } }) => ({ name, size, sha256 }));
  return [...stored, { name: index.name, size: index.size, sha256: index.sha256 }];
}

/**
 * Finds a copy that was begun, and proves that both storages are where they were.
 * @throws HoldfastError HF-WORKSPACE-001 when the run is over, HF-PLAN-001, HF-STORAGE-011
 */
export async function enterCopy({ config }: ActivityDependencies, runId: string): Promise<Copying> {
  const directories = new CopyDirectories(config.workspace);
  const directory = directories.path(runId);
  const ref = await directories.find(runId);
  if (ref === undefined) {
    const there = await lstat(directory).catch(() => undefined);
    const reason = `it is ${there === undefined ? 'gone' : 'empty'}: its run is over, or somebody removed it`;
    throw new HoldfastError('HF-WORKSPACE-001', { path: directory, reason });
  }
  requireRoot('from', ref.fromRoot, storageRoot(findStorage(config, ref.from)));
  requireRoot('to', ref.toRoot, storageRoot(findStorage(config, ref.to)));
  const manifestBytes = await directories.manifest(runId);
  const files = copiedFiles(parseManifest(manifestBytes, ref.backupId));
  return { ref, directory, manifestBytes, files };
}

function requireRoot(key: string, planned: string, found: string): void {
  if (planned !== found) throw new HoldfastError('HF-PLAN-001', { key, planned, found });
}
