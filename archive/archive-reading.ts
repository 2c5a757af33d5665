import { Readable } from 'node:stream';
import { HoldfastError } from '../core/errors';
import { allowedEntries, labelIn, openEntry } from './entries';
import { parseMetadata, versionWithoutMetadata, type JujuMetadata } from './metadata';
import { filesBundle, metadataFile } from './paths';
import { unpackEntries } from './unpack';

/** Largest metadata.json that is read, bytes. */
const largestMetadata = 1024 * 1024;

/** What an archive is read by: wherever it lies. */
export interface ArchiveContent {
  /** Name of the archive, for errors. */
  readonly name: string;
  /** A file of the archive; undefined when there is none. */
  file(path: string): Promise<AsyncIterable<Buffer> | undefined>;
}

/** What can be asked of a Juju archive, in memory or on disk. */
export abstract class ArchiveReading {
  constructor(protected readonly source: ArchiveContent) {}

  /**
   * What metadata.json says. Inside an archive id, checksum, size and finished are empty, because it is
   * written before the archive exists: see {@link markComplete}.
   *
   * @throws HoldfastError HF-ARCHIVE-006 when there is none, HF-ARCHIVE-001 when it is damaged,
   * HF-ARCHIVE-003 when it is of a format that is not known
   */
  async metadata(): Promise<JujuMetadata> {
    const found = await this.#findMetadata();
    if (found !== undefined) return found;
    throw new HoldfastError('HF-ARCHIVE-006', {
      archive: this.source.name,
      entry: metadataFile,
    });
  }

  /**
   * The version of Juju that made it, such as `2.9.21`. Juju wrote none into its archives up to 1.20:
   * without metadata.json it is `1.20.0`.
   *
   * @throws HoldfastError HF-ARCHIVE-001, HF-ARCHIVE-003
   */
  async version(): Promise<string> {
    return (await this.#findMetadata())?.version ?? versionWithoutMetadata;
  }

  /**
   * One of the host's files that root.tar holds. Destroy it when it is not read to its end.
   *
   * @param path as on the host (`/var/lib/juju/...`) or in the tar (without the leading slash)
   * @throws HoldfastError HF-ARCHIVE-006 when there is no such file; it, or reading what it gives,
   * HF-ARCHIVE-001 and HF-ARCHIVE-002
   */
  async openBundledFile(path: string): Promise<Readable> {
    const entries = allowedEntries(await this.#bundle(), 'bundle', this.source.name);
    const from = { archive: this.source.name, label: labelIn('bundle') };
    const content = await openEntry(entries, path.replace(/^\/+/, ''), from);
    return Readable.from(content, { objectMode: false });
  }

  /**
   * Unpacks the host's files below a directory, and never outside of it: names, links and what lies in
   * the directory are judged one by one. Modes without setuid, setgid and sticky, and times are as the
   * archive has them; all is owned by whoever unpacks. Nothing that exists is written over.
   *
   * @param target an existing directory
   * @returns how many files and links were written
   * @throws HoldfastError HF-ARCHIVE-006 when there is no root.tar, HF-ARCHIVE-001, HF-ARCHIVE-002,
   * HF-FILES-001 naming what can't be written; the signal's reason
   */
  async unpackFilesBundle(
    target: string,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<number> {
    const entries = allowedEntries(await this.#bundle(), 'bundle', this.source.name);
    return await unpackEntries(entries, { target, modes: 'entries', signal: options.signal });
  }

  async #bundle(): Promise<AsyncIterable<Buffer>> {
    const found = await this.source.file(filesBundle);
    if (found !== undefined) return found;
    throw new HoldfastError('HF-ARCHIVE-006', { archive: this.source.name, entry: filesBundle });
  }

  async #findMetadata(): Promise<JujuMetadata | undefined> {
    const content = await this.source.file(metadataFile);
    if (content === undefined) return undefined;
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of content) {
      length += chunk.length;
      if (length > largestMetadata) {
        const reason = `it has more than ${largestMetadata} bytes`;
        const entry = metadataFile;
        throw new HoldfastError('HF-ARCHIVE-002', { archive: this.source.name, entry, reason });
      }
      chunks.push(chunk);
    }
    return parseMetadata(Buffer.concat(chunks), this.source.name).metadata;
  }
}
