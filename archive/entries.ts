import { Readable, pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { errorCode } from '../config/durable-file';
import { HoldfastError, errorText } from '../core/errors';
import { admitEntry } from './admit-entry';
import { EntryPolicy, type TarPlace } from './entry-policy';
import { MemberDamage } from './gzip-members';
import { innerPath } from './paths';
import type { TarEntry } from './tar-entry';
import { readTar } from './tar-parser';

/** An entry that the strict reader allows, and its content, which is to be read before the next. */
export interface AllowedEntry {
  readonly entry: TarEntry;
  readonly content: AsyncIterable<Buffer>;
}

/**
 * Bytes of a `.tar.gz`, of one gzip member or many, decompressed.
 *
 * @param name of the archive, for errors
 * @throws HoldfastError HF-ARCHIVE-001 when it is no gzip or ends too early; whatever `archive` throws
 */
export async function* gunzipped(
  archive: AsyncIterable<Uint8Array>,
  name: string,
): AsyncGenerator<Buffer> {
  const plain = createGunzip();
  // What either end fails with reaches the reader through the other.
  pipeline(Readable.from(archive, { objectMode: false }), plain, () => undefined);
  try {
    for await (const chunk of plain as AsyncIterable<Buffer>) yield chunk;
  } catch (cause) {
    if (errorCode(cause)?.startsWith('Z_') !== true) throw cause;
    const params = { archive: name, where: 'its gzip', reason: errorText(cause) };
    throw new HoldfastError('HF-ARCHIVE-001', params, { cause });
  } finally {
    plain.destroy();
  }
}

/** How a label for errors is made of an entry's path. */
export function labelIn(place: TarPlace): (path: string) => string {
  return place === 'bundle' ? innerPath : (path) => path;
}

/**
 * The entries of an archive's tar, or of its root.tar, in order. Memory holds one chunk and the names.
 *
 * @param archive its name, for errors
 * @throws HoldfastError HF-ARCHIVE-001 when the tar is damaged or ends too early,
 * HF-ARCHIVE-002 for an entry that the strict reader doesn't allow; whatever the source throws
 */
export async function* allowedEntries(
  tar: AsyncIterable<Buffer>,
  place: TarPlace,
  archive: string,
): AsyncGenerator<AllowedEntry> {
  const policy = new EntryPolicy(place);
  const label = labelIn(place);
  let where = 'its beginning';
  try {
    for await (const { entry, content } of readTar(tar)) {
      const allowed = admitEntry(entry, policy, { archive, label });
      where = label(allowed.path);
      yield { entry: allowed, content };
    }
  } catch (cause) {
    if (!(cause instanceof MemberDamage)) throw cause;
    const reason = errorText(cause);
    throw new HoldfastError('HF-ARCHIVE-001', { archive, where, reason }, { cause });
  }
}

/**
 * The content of one file of a tar, found by reading up to it.
 *
 * @param path as it stands in the tar
 * @throws HoldfastError HF-ARCHIVE-006 when there is no such file, HF-ARCHIVE-001, -002
 */
export async function openEntry(
  entries: AsyncGenerator<AllowedEntry>,
  path: string,
  { archive, label }: { readonly archive: string; readonly label: (path: string) => string },
): Promise<AsyncGenerator<Buffer>> {
  for (;;) {
    const next = await entries.next();
    if (next.done === true) {
      throw new HoldfastError('HF-ARCHIVE-006', { archive, entry: label(path) });
    }
    const { entry, content } = next.value;
    if (entry.path === path && entry.type === 'file') return untilEnd(content, entries);
  }
}

async function* untilEnd(
  content: AsyncIterable<Buffer>,
  entries: AsyncGenerator<AllowedEntry>,
): AsyncGenerator<Buffer> {
  try {
    yield* content;
  } finally {
    await entries.return(undefined);
  }
}
