import { createReadStream } from 'node:fs';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { readIndex } from '../../archive/index-file';
import type { IndexFile, IndexLine } from '../../archive/index-line';
import { pathInBundle } from '../../archive/paths';
import { readEntry, readSmallEntry, type ReadRange } from '../../archive/read-entry';
import { isMissing } from '../../config/durable-file';
import { fetchedArchive } from './fetch-archive';
import { runFiles } from './run-files';

/** Largest entry that is read whole: metadata and agent.conf are far smaller. */
export const smallEntry = 16 * 1024 * 1024;

/** The archive of a run, fetched and proven, with its INDEX: any entry is reached without reading the others. */
export class LocalArchive {
  readonly #readRange: ReadRange;

  private constructor(
    private readonly directory: string,
    /** Name of the archive, for errors. */
    readonly name: string,
    readonly path: string,
  ) {
    this.#readRange = (range) =>
      Promise.resolve(createReadStream(path, { start: range.start, end: range.end - 1 }));
  }

  /** The archive of a run, or undefined when it has not been fetched and inspected. */
  static async find(directory: string): Promise<LocalArchive | undefined> {
    const fetched = await fetchedArchive.find(directory);
    if (fetched === undefined) return undefined;
    try {
      await access(inspectedMark(directory));
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
    return new LocalArchive(directory, fetched.archive.name, join(directory, fetched.file));
  }

  /** @throws Error when the steps before have not run: a defect. */
  static async open(directory: string): Promise<LocalArchive> {
    const found = await LocalArchive.find(directory);
    if (found === undefined) throw new Error(`no inspected archive in ${directory}`);
    return found;
  }

  /** Every line of INDEX, in the order of the archive. */
  lines(signal?: AbortSignal): AsyncIterable<IndexLine> {
    return readIndex(createReadStream(runFiles.index(this.directory)), {
      archive: this.name,
      signal,
    });
  }

  /** Path inside root.tar, or undefined for an entry of the archive itself. */
  bundled(line: IndexLine): string | undefined {
    return pathInBundle(line.path);
  }

  /** Content of an entry from a byte on. */
  content(line: IndexFile, from: number, signal?: AbortSignal): AsyncIterable<Buffer> {
    return readEntry(line, this.#readRange, {
      archive: this.name,
      range: { start: from, end: line.size },
      signal,
    });
  }

  /** A small entry, whole. */
  whole(line: IndexFile, signal?: AbortSignal): Promise<Buffer> {
    return readSmallEntry(line, this.#readRange, {
      archive: this.name,
      limit: smallEntry,
      signal,
    });
  }
}

/** Exists once inspectArchive has proven the archive: nothing reads it before. */
export function inspectedMark(directory: string): string {
  return join(directory, 'inspect', 'result.json');
}
