import { BsonFrameError, findElement, maxOplogEntryBytes, stringValue } from './bson-frames';
import { Crc64 } from './crc64';
import { isTrue } from './raw-document';

/** Begins every archive of `mongodump --archive` (mongo-tools, common/archive: the magic number). */
export const archiveMagic = Buffer.from([0x6d, 0xe2, 0x99, 0x81]);

/** A collection that an archive announces. */
export interface ArchivedNamespace {
  readonly database: string;
  /** Of the collection, or for a time series' data of its buckets; `oplog` in no database is the oplog. */
  readonly collection: string;
  /** Text of its metadata.json; empty when it has none. */
  readonly metadata: string;
}

/** What an archive says first. */
export interface ArchivePrelude {
  readonly serverVersion: string;
  readonly toolVersion: string;
  readonly namespaces: readonly ArchivedNamespace[];
}

/** What an archive is made of, in its order. */
export type ArchivePart =
  | { readonly type: 'prelude'; readonly prelude: ArchivePrelude }
  | {
      readonly type: 'documents';
      readonly database: string;
      readonly collection: string;
      /** Whole documents, one after the other; a view that is valid until the next part is asked for. */
      readonly bytes: Buffer;
      readonly documents: number;
    }
  | {
      readonly type: 'end';
      readonly database: string;
      readonly collection: string;
      readonly documents: number;
      /** Bytes of all its documents. */
      readonly bytes: number;
    };

/** A block ends with it in place of a document's length. */
const terminator = -1;

/** A block's first document, or a run of those that follow it, or its end. */
type Piece =
  | { readonly type: 'head'; readonly bytes: Buffer; readonly at: number }
  | { readonly type: 'body'; readonly bytes: Buffer; readonly documents: number }
  | { readonly type: 'close'; readonly at: number };

/** Cuts the blocks of an archive out of its chunks; holds one chunk and at most one document. */
async function* pieces(chunks: AsyncIterable<Buffer>): AsyncGenerator<Piece, void, void> {
  let held: Buffer[] = [];
  let heldBytes = 0;
  let wanted = archiveMagic.length;
  let consumed = 0;
  let inBlock = false;
  for await (const chunk of chunks) {
    held.push(chunk);
    heldBytes += chunk.length;
    if (heldBytes < wanted) continue;
    const buffer = held.length === 1 ? chunk : Buffer.concat(held, heldBytes);
    let at = 0;
    if (consumed === 0) {
      if (!buffer.subarray(0, 4).equals(archiveMagic)) {
        throw new BsonFrameError('no archive of mongodump begins', 0);
      }
      at = 4;
    }
    wanted = 4;
    let from = at;
    let documents = 0;
    while (buffer.length - at >= 4) {
      const length = buffer.readInt32LE(at);
      if (length === terminator && inBlock) {
        if (documents > 0) yield { type: 'body', bytes: buffer.subarray(from, at), documents };
        yield { type: 'close', at: consumed + at };
        inBlock = false;
        documents = 0;
        at += 4;
        from = at;
        continue;
      }
      if (length < 5 || length > maxOplogEntryBytes) {
        throw new BsonFrameError(`impossible document length ${length}`, consumed + at);
      }
      if (at + length > buffer.length) {
        wanted = length;
        break;
      }
      if (inBlock) {
        if (buffer[at + length - 1] !== 0) {
          throw new BsonFrameError('a document without its end', consumed + at);
        }
        documents++;
        at += length;
        continue;
      }
      yield { type: 'head', bytes: buffer.subarray(at, at + length), at: consumed + at };
      inBlock = true;
      at += length;
      from = at;
    }
    if (documents > 0) yield { type: 'body', bytes: buffer.subarray(from, at), documents };
    consumed += at;
    const rest = buffer.subarray(at);
    held = rest.length === 0 ? [] : [rest];
    heldBytes = rest.length;
  }
  if (consumed === 0 || inBlock || heldBytes > 0) {
    throw new BsonFrameError('the archive is cut short', consumed + heldBytes);
  }
}

interface Running {
  readonly crc: Crc64;
  documents: number;
  bytes: number;
}

/** What one block of a collection says of itself. */
interface BlockHead {
  readonly database: string;
  readonly collection: string;
  readonly ended: boolean;
  readonly crc: bigint;
}

function text(document: Buffer, name: string): string {
  return stringValue(document, findElement(document, name)) ?? '';
}

function readHead(document: Buffer, at: number): BlockHead {
  const crc = findElement(document, 'CRC');
  if (findElement(document, 'collection') === undefined) {
    throw new BsonFrameError('a block that belongs to no collection', at);
  }
  return {
    database: text(document, 'db'),
    collection: text(document, 'collection'),
    ended: isTrue(document, findElement(document, 'EOF')),
    crc: crc === undefined ? 0n : document.readBigInt64LE(crc.valueStart),
  };
}

/** Follows the blocks of an archive: which collection each is of, and what its collections add up to. */
class ArchiveReader {
  readonly #running = new Map<string, Running>();
  readonly #ended = new Set<string>();
  #block: BlockHead | undefined;
  #serverVersion = '';
  #toolVersion = '';
  #namespaces: ArchivedNamespace[] = [];
  #inPrelude = true;

  head(document: Buffer, at: number): void {
    if (this.#inPrelude) {
      this.#serverVersion = text(document, 'server_version');
      this.#toolVersion = text(document, 'tool_version');
      return;
    }
    const block = readHead(document, at);
    const name = `${block.database}.${block.collection}`;
    if (this.#ended.has(name)) throw new BsonFrameError(`${name} goes on behind its end`, at);
    this.#block = block;
  }

  body(bytes: Buffer, documents: number): ArchivePart | undefined {
    if (this.#inPrelude) {
      for (let from = 0; from < bytes.length; from += bytes.readInt32LE(from)) {
        const document = bytes.subarray(from, from + bytes.readInt32LE(from));
        this.#namespaces.push({
          database: text(document, 'db'),
          collection: text(document, 'collection'),
          metadata: text(document, 'metadata'),
        });
      }
      return undefined;
    }
    const block = this.#block;
    if (block === undefined) return undefined;
    const running = this.#of(block);
    running.crc.update(bytes);
    running.documents += documents;
    running.bytes += bytes.length;
    const { database, collection } = block;
    return { type: 'documents', database, collection, bytes, documents };
  }

  close(at: number): ArchivePart | undefined {
    if (this.#inPrelude) {
      this.#inPrelude = false;
      const { serverVersion, toolVersion, namespaces } = {
        serverVersion: this.#serverVersion,
        toolVersion: this.#toolVersion,
        namespaces: this.#namespaces,
      };
      return { type: 'prelude', prelude: { serverVersion, toolVersion, namespaces } };
    }
    const block = this.#block;
    if (block?.ended !== true) return undefined;
    const { database, collection, crc } = block;
    const name = `${database}.${collection}`;
    const running = this.#of(block);
    if (running.crc.digest() !== crc) {
      throw new BsonFrameError(`the documents of ${name} have another CRC`, at);
    }
    this.#running.delete(name);
    this.#ended.add(name);
    const { documents, bytes } = running;
    return { type: 'end', database, collection, documents, bytes };
  }

  finish(at: number): void {
    const [open] = this.#running.keys();
    if (open !== undefined) throw new BsonFrameError(`${open} has no end`, at);
    if (this.#inPrelude) throw new BsonFrameError('the archive is cut short', at);
  }

  #of({ database, collection }: BlockHead): Running {
    const name = `${database}.${collection}`;
    const known = this.#running.get(name);
    if (known !== undefined) return known;
    const running = { crc: new Crc64(), documents: 0, bytes: 0 };
    this.#running.set(name, running);
    return running;
  }
}

/**
 * Reads what `mongodump --archive` wrote, already decompressed: the collections' blocks come in any
 * mixture, each with whole documents, and each collection ends with the CRC-64 of all of its own.
 * Memory holds one chunk and at most one document. Everything is proven: frames, CRCs, that each
 * collection ends, and the archive too.
 *
 * @throws BsonFrameError naming the byte of the decompressed archive
 */
export async function* readMongodumpArchive(
  chunks: AsyncIterable<Buffer>,
): AsyncGenerator<ArchivePart, void, void> {
  const reader = new ArchiveReader();
  let at = 0;
  for await (const piece of pieces(chunks)) {
    let part: ArchivePart | undefined;
    if (piece.type === 'body') part = reader.body(piece.bytes, piece.documents);
    else {
      at = piece.at;
      if (piece.type === 'head') reader.head(piece.bytes, piece.at);
      else part = reader.close(piece.at);
    }
    if (part !== undefined) yield part;
  }
  reader.finish(at);
}
