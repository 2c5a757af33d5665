import { HoldfastError } from '../core/errors';
import { quoteName } from '../core/ids';
import { isIndexEntry, type IndexEntry, type IndexFile, type IndexLine } from './index-line';
import { filesBundle, pathInBundle } from './paths';
import type { ArchiveEntry, InnerEntry } from './tar-entry';

/** Where INDEX says that a gzip member lies. */
export interface MemberPlace {
  readonly offset: number;
  readonly stored: number;
  readonly content: number;
}

function described(line: IndexFile, path: string): InnerEntry & { type: 'file' } {
  const { mode, uid, gid, mtime, size, sha256, documents } = line;
  const file = { type: 'file', path, mode, uid, gid, mtime, size, sha256 } as const;
  return documents === undefined ? file : { ...file, documents };
}

function entryOf(line: IndexEntry, path: string): InnerEntry {
  const { mode, uid, gid, mtime } = line;
  switch (line.type) {
    case 'file':
      return described(line, path);
    case 'directory':
      return { type: 'directory', path, mode, uid, gid, mtime };
    case 'symlink':
      return { type: 'symlink', path, mode, uid, gid, mtime, link: line.link };
  }
}

/**
 * One INDEX, read once, seen three ways at the same time: as the entries that should be in the
 * tar, as the gzip members to read, and as the lines to compare with. Lines are read as one of the
 * three needs them; root.tar's are read together.
 */
export class IndexFeed {
  readonly #lines: AsyncIterator<IndexLine>;
  readonly #archive: string;
  readonly #entries: ArchiveEntry[] = [];
  readonly #members: MemberPlace[] = [];
  readonly #expected: IndexLine[] = [];
  #ahead: IndexLine | undefined;
  #last: MemberPlace = { offset: 0, stored: 0, content: 0 };
  #ended = false;
  #turn: Promise<void> = Promise.resolve();

  constructor(lines: AsyncIterator<IndexLine>, archive: string) {
    this.#lines = lines;
    this.#archive = archive;
  }

  /** The entries of the archive, in order. @throws HoldfastError HF-ARCHIVE-001 */
  async *entries(): AsyncGenerator<ArchiveEntry> {
    for (;;) {
      const entry = this.#entries.shift();
      if (entry !== undefined) yield entry;
      else if (this.#ended) return;
      else await this.#pull();
    }
  }

  /** The members of the archive, in order, each once. @throws HoldfastError HF-ARCHIVE-001 */
  async *members(): AsyncGenerator<MemberPlace> {
    for (;;) {
      const member = this.#members.shift();
      if (member !== undefined) yield member;
      else if (this.#ended) return;
      else await this.#pull();
    }
  }

  /** The next line to compare with, or undefined when there is none. */
  expected(): IndexLine | undefined {
    return this.#expected.shift();
  }

  /** A line that nothing was compared with, when there is one. */
  async rest(): Promise<IndexLine | undefined> {
    while (this.#expected.length === 0 && !this.#ended) await this.#pull();
    return this.#expected[0];
  }

  /**
   * Reads INDEX to its end, so that it is compared with MANIFEST, after something else went wrong.
   * @throws HoldfastError HF-ARCHIVE-001 when it is damaged itself
   */
  async drain(): Promise<void> {
    await this.#turn;
    while ((await this.#lines.next()).done !== true);
  }

  #pull(): Promise<void> {
    const pulled = this.#turn.then(() => this.#read());
    this.#turn = pulled.catch(() => undefined);
    return pulled;
  }

  async #next(): Promise<IndexLine | undefined> {
    const ahead = this.#ahead;
    this.#ahead = undefined;
    if (ahead !== undefined) return ahead;
    const step = await this.#lines.next();
    if (step.done !== true) return step.value;
    this.#ended = true;
    return undefined;
  }

  async #read(): Promise<void> {
    const line = await this.#next();
    if (line === undefined) return;
    this.#expected.push(line);
    if (pathInBundle(line.path) !== undefined) this.#fail(line, 'it does not follow root.tar');
    if ('stored' in line) this.#place(line);
    if (!isIndexEntry(line)) return;
    const entry = entryOf(line, line.path);
    if (entry.type === 'file' && line.path === filesBundle) {
      this.#entries.push({ ...entry, inner: await this.#inner() });
    } else {
      this.#entries.push(entry);
    }
  }

  async #inner(): Promise<readonly InnerEntry[]> {
    const inner: InnerEntry[] = [];
    for (;;) {
      const line = await this.#next();
      if (line === undefined) return inner;
      const path = pathInBundle(line.path);
      if (path === undefined || !isIndexEntry(line)) {
        this.#ahead = line;
        return inner;
      }
      this.#expected.push(line);
      inner.push(entryOf(line, path));
    }
  }

  /** Queues the members of a line; the first may be the last one of the line before. */
  #place(line: Exclude<IndexLine, { type: 'directory' | 'symlink' }>): void {
    let { offset } = line.stored;
    for (const [stored, content] of line.members) {
      const last = this.#last;
      const shared = offset === last.offset && last.stored > 0;
      if (shared && (stored !== last.stored || content !== last.content)) {
        this.#fail(line, 'it disagrees with the line before about a member');
      }
      if (!shared) {
        if (offset !== last.offset + last.stored)
          this.#fail(line, 'it does not follow the line before');
        if (stored === 0) this.#fail(line, 'it names a member without bytes');
        this.#last = { offset, stored, content };
        this.#members.push(this.#last);
      }
      offset += stored;
    }
  }

  #fail(line: IndexLine, reason: string): never {
    const where = `INDEX, ${quoteName(line.path)}`;
    throw new HoldfastError('HF-ARCHIVE-001', { archive: this.#archive, where, reason });
  }
}
