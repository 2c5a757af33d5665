import type { ContentRange } from '../../archive/read-entry';
import type { ReadHandle } from '../../storage/contract';

/** Reads a backup from the storage, and counts what it reads. */
export class CountingReader {
  /** Bytes read so far. */
  read = 0;

  constructor(
    private readonly handle: ReadHandle,
    private readonly signal: AbortSignal,
  ) {}

  async *content(name: string, range?: ContentRange): AsyncGenerator<Buffer> {
    const content = await this.handle.readFile(name, range, { signal: this.signal });
    for await (const chunk of content as AsyncIterable<Buffer>) {
      this.read += chunk.length;
      yield chunk;
    }
  }

  /** Small files only: MANIFEST and INDEX. */
  async whole(name: string): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for await (const chunk of this.content(name)) chunks.push(chunk);
    return Buffer.concat(chunks);
  }
}
