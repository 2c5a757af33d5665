import { extract, type Header } from 'tar-stream';
import { errorText } from '../core/errors';
import { MemberDamage } from './gzip-members';
import { nameFromBytes } from './name-bytes';
import type { TarEntry } from './tar-entry';

/** Options of tar-stream: its types leave out filenameEncoding. */
export const parserOptions = {
  filenameEncoding: 'latin1',
  // With a mark of one byte every write asks for a drain, which comes when it has been parsed.
  highWaterMark: 1,
};

/** The pax records that stand before a header. */
export function paxRecords(header: Header): ReadonlyMap<string, string> {
  const { pax } = header;
  if (typeof pax !== 'object' || pax === null) return new Map();
  return new Map(Object.entries(pax).map(([key, value]) => [key, String(value)]));
}

function fromLatin1(text: string): string {
  return nameFromBytes(Buffer.from(text, 'latin1'));
}

/** What a header parsed by tar-stream describes; for what is no file, directory or symlink its path and kind. */
export function tarEntryOf(
  header: Header,
): TarEntry | { readonly type: 'other'; readonly path: string; readonly kind: string } {
  const pax = paxRecords(header);
  const path = pax.has('path') ? header.name : fromLatin1(header.name);
  const attributes = {
    path,
    mode: header.mode,
    uid: Number(pax.get('uid') ?? header.uid),
    gid: Number(pax.get('gid') ?? header.gid),
    mtime: Number(pax.get('mtime') ?? header.mtime.getTime() / 1000),
  };
  if (header.type === 'file') return { ...attributes, type: 'file', size: header.size };
  if (header.type === 'directory') return { ...attributes, type: 'directory' };
  if (header.type === 'symlink') {
    const link = pax.has('linkpath') ? header.linkname : fromLatin1(header.linkname ?? '');
    return { ...attributes, type: 'symlink', link };
  }
  // What tar-stream has no name for arrives as null, whatever its types say.
  return { type: 'other', path, kind: header.type ?? 'thing of unknown type' };
}

/** An entry of a tar that is read for the first time, and its content, which is to be read before the next. */
export interface ReadTarEntry {
  readonly entry: ReturnType<typeof tarEntryOf>;
  readonly content: AsyncIterable<Buffer>;
}

/**
 * The entries of a tar (ustar, pax or GNU), in order, as they stand in it: nothing is judged. Memory
 * holds one chunk. What of an entry is not read is passed over.
 * @throws MemberDamage when it is no tar, or ends before its last entry does; whatever the source throws.
 */
export async function* readTar(source: AsyncIterable<Buffer>): AsyncGenerator<ReadTarEntry> {
  const parser = extract(parserOptions);
  let failed: { readonly error: unknown } | undefined;
  const feeding = feed(parser, source).catch((error: unknown) => {
    failed = { error };
    parser.destroy();
  });
  // What the parser was destroyed for is what went wrong, not that it was destroyed.
  const explain = (cause: unknown): unknown =>
    failed === undefined ? new MemberDamage(`tar: ${errorText(cause)}`, { cause }) : failed.error;
  try {
    for await (const content of parser) {
      yield { entry: tarEntryOf(content.header), content: buffersOf(content, explain) };
      content.resume();
    }
  } catch (cause) {
    throw explain(cause);
  } finally {
    parser.destroy();
    await feeding;
  }
  if (failed !== undefined) throw failed.error;
}

async function* buffersOf(
  content: AsyncIterable<unknown>,
  explain: (cause: unknown) => unknown,
): AsyncGenerator<Buffer> {
  const chunks = content[Symbol.asyncIterator]();
  for (;;) {
    let step: IteratorResult<unknown>;
    try {
      step = await chunks.next();
    } catch (cause) {
      throw explain(cause);
    }
    if (step.done === true) return;
    if (Buffer.isBuffer(step.value)) yield step.value;
  }
}

async function feed(
  parser: ReturnType<typeof extract>,
  source: AsyncIterable<Buffer>,
): Promise<void> {
  for await (const chunk of source) {
    if (parser.destroyed) return;
    if (chunk.length === 0) continue;
    const parsed = new Promise<void>((resolve) => {
      const done = (): void => {
        parser.off('drain', done);
        parser.off('close', done);
        resolve();
      };
      parser.on('drain', done);
      parser.on('close', done);
    });
    parser.write(chunk);
    await parsed;
  }
  parser.end(undefined);
}
