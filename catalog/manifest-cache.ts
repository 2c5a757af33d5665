import { createHash } from 'node:crypto';
import { constants, mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { manifestLimit } from '../archive/manifest';
import { isMissing, writeFileDurably } from '../config/durable-file';
import { errorText } from '../core/errors';

/** A MANIFEST as it was read once. */
export interface CachedManifest {
  /** The backup's. */
  readonly name: string;
  /** Of the MANIFEST as the listing showed it: another one is another MANIFEST. */
  readonly etag: string;
  /** Bytes. */
  readonly size: number;
  readonly manifest: Uint8Array;
}

export interface ManifestCacheOptions {
  /** Where the files of all caches lie, absolute. Made, mode 0700, when it is missing. */
  readonly path: string;
  /** What tells this storage from all others. */
  readonly storage: string;
  readonly uid: number;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Told why the cache cannot be used; nothing else suffers from it. */
  onProblem(problem: string): void;
}

const format = 'holdfast-manifest-cache/1';
const headerSchema = z.object({
  format: z.literal(format),
  storage: z.string(),
  directory: z.string(),
});
const lineSchema = z.object({
  name: z.string(),
  etag: z.string().min(1),
  size: z.number().int().min(1).max(manifestLimit),
  manifest: z.string(),
});

/** Bytes of one file; the backups that do not fit are read again each time. */
const largestFile = 64 * 1024 * 1024;
/** Milliseconds after which nobody asks for the file of a storage any more. */
const keptUnused = 90 * 24 * 3_600_000;
const namePattern = /^\.?[0-9a-f]{40}\.jsonl(\.[0-9a-f-]{36})?$/;

const keyOf = ({ name, etag, size }: Omit<CachedManifest, 'manifest'>): string =>
  `${name}\n${etag}\n${size}`;

/** The MANIFESTs of one directory of a storage that were read before. */
export class CachedManifests {
  readonly #byKey: ReadonlyMap<string, Uint8Array>;

  constructor(entries: readonly CachedManifest[]) {
    this.#byKey = new Map(entries.map((entry) => [keyOf(entry), entry.manifest]));
  }

  get count(): number {
    return this.#byKey.size;
  }

  /** Undefined when it was not read before, or has changed since. */
  find(
    name: string,
    file: { readonly etag: string; readonly size: number },
  ): Uint8Array | undefined {
    return this.#byKey.get(keyOf({ ...file, name }));
  }
}

/**
 * MANIFESTs on this computer's disk, so that each is read from the storage once: a file of JSON Lines
 * for each directory of a storage, mode 0600, replaced whole. It is never the truth: an entry counts
 * only for the ETag and size that the listing shows, and a MANIFEST proves its own bytes. What is
 * damaged, foreign, or somebody else's is passed over and written anew.
 */
export class ManifestCache {
  constructor(private readonly options: ManifestCacheOptions) {}

  /** What is known of a directory; nothing when the cache cannot be used. */
  async read(directory: string): Promise<CachedManifests> {
    try {
      return new CachedManifests(this.#parse(directory, await this.#load(directory)));
    } catch (error) {
      if (!isMissing(error)) this.#tell('read', error);
      return new CachedManifests([]);
    }
  }

  /** From now on a directory's entries are these and no others; the last ones count where not all fit. */
  async write(directory: string, entries: readonly CachedManifest[]): Promise<void> {
    const { path, storage } = this.options;
    const lines: string[] = [];
    const header = JSON.stringify({ format, storage, directory });
    let room = largestFile - header.length;
    for (const { manifest, ...entry } of entries.toReversed()) {
      if (entry.etag === '') continue;
      const text = Buffer.from(manifest).toString('utf8');
      const line = JSON.stringify({ ...entry, manifest: text });
      room -= Buffer.byteLength(line) + 1;
      if (room < 0) break;
      lines.push(line);
    }
    try {
      await mkdir(path, { recursive: true, mode: 0o700 });
      await writeFileDurably(this.#fileOf(directory), `${[header, ...lines].join('\n')}\n`);
      await this.#sweep();
    } catch (error) {
      this.#tell('written', error);
    }
  }

  #tell(what: string, error: unknown): void {
    const { path } = this.options;
    this.options.onProblem(
      `the cache of MANIFESTs below ${path} cannot be ${what}: ${errorText(error)}`,
    );
  }

  #fileOf(directory: string): string {
    const { path, storage } = this.options;
    const name = createHash('sha256').update(`${storage}\n${directory}`).digest('hex');
    return join(path, `${name.slice(0, 40)}.jsonl`);
  }

  async #load(directory: string): Promise<string> {
    const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
    const file = await open(this.#fileOf(directory), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    try {
      const found = await file.stat();
      const own = found.isFile() && found.uid === this.options.uid && (found.mode & 0o077) === 0;
      return own && found.size <= largestFile ? await file.readFile('utf8') : '';
    } finally {
      await file.close();
    }
  }

  #parse(directory: string, text: string): CachedManifest[] {
    const [first = '', ...lines] = text.split('\n');
    const header = headerSchema.safeParse(jsonOf(first));
    const mine = header.data?.storage === this.options.storage;
    if (!mine || header.data?.directory !== directory) return [];
    return lines.flatMap((line) => {
      const { data } = lineSchema.safeParse(jsonOf(line));
      if (data === undefined) return [];
      const manifest = Buffer.from(data.manifest);
      return manifest.length === data.size ? [{ ...data, manifest }] : [];
    });
  }

  /** Files of storages that nobody lists any more, and what interrupted writers left. */
  async #sweep(): Promise<void> {
    const { path } = this.options;
    const before = this.options.now() - keptUnused;
    for (const name of await readdir(path)) {
      if (!namePattern.test(name)) continue;
      const file = join(path, name);
      try {
        if ((await stat(file)).mtimeMs < before) await rm(file, { force: true });
      } catch (error) {
        // Another process sweeps too.
        if (!isMissing(error)) throw error;
      }
    }
  }
}

function jsonOf(line: string): unknown {
  try {
    const value: unknown = JSON.parse(line);
    return value;
  } catch {
    // A line that was cut off or damaged: what it held is read again from the storage.
    return undefined;
  }
}
