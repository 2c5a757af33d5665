import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { writeAt } from '../config/write-at';
import type { SpoolMember } from '../core/spool';
import type { CompressedMember } from './gzip-members';
import { sha256OffThread } from './sha256';

/** Where gzip members go: appended in the order of the calls, which must not overlap. */
export interface MemberSink {
  append(member: CompressedMember): Promise<SpoolMember>;
}

/** A file of gzip members in a run directory, written once by one attempt. */
export class SegmentFile implements MemberSink {
  readonly #handle: FileHandle;
  readonly #name: string;
  #offset = 0;

  private constructor(handle: FileHandle, name: string) {
    this.#handle = handle;
    this.#name = name;
  }

  /** Creates `name` (relative to the run directory) with mode 0600; fails when it exists. */
  static async create(runDirectory: string, name: string): Promise<SegmentFile> {
    return new SegmentFile(await open(join(runDirectory, name), 'wx', 0o600), name);
  }

  async append(member: CompressedMember): Promise<SpoolMember> {
    const { stored, content } = member;
    const offset = this.#offset;
    const digested = sha256OffThread(stored);
    await writeAt(this.#handle, stored, offset);
    this.#offset += stored.length;
    return { file: this.#name, offset, stored: stored.length, content, sha256: await digested };
  }

  /** Resolves when what was appended is durable. */
  async sync(): Promise<void> {
    await this.#handle.sync();
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}
