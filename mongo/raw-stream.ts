import { BsonFrameError, maxOplogEntryBytes } from './bson-frames';

/**
 * The documents of a stream whose chunks end anywhere, in groups: views of the chunks' memory. Holds
 * one chunk and at most one document.
 *
 * @throws BsonFrameError; its offset counts from the start of the stream
 */
export async function* rawDocuments(
  chunks: AsyncIterable<Buffer>,
  limit = maxOplogEntryBytes,
): AsyncGenerator<Buffer[], void, void> {
  let held: Buffer[] = [];
  let heldBytes = 0;
  let wanted = 4;
  let consumed = 0;
  for await (const chunk of chunks) {
    held.push(chunk);
    heldBytes += chunk.length;
    if (heldBytes < wanted) continue;
    const buffer = held.length === 1 ? chunk : Buffer.concat(held);
    const documents: Buffer[] = [];
    let at = 0;
    wanted = 4;
    while (buffer.length - at >= 4) {
      const length = buffer.readInt32LE(at);
      if (length < 5 || length > limit) {
        throw new BsonFrameError(`impossible document length ${length}`, consumed + at);
      }
      if (at + length > buffer.length) {
        wanted = length;
        break;
      }
      documents.push(buffer.subarray(at, at + length));
      at += length;
    }
    consumed += at;
    const rest = buffer.subarray(at);
    held = rest.length === 0 ? [] : [rest];
    heldBytes = rest.length;
    if (documents.length > 0) yield documents;
  }
  if (heldBytes > 0) throw new BsonFrameError('document cut short', consumed);
}
