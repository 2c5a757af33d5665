import type { ObjectId } from 'mongodb';
import type { ObjectWriter, StoreObject } from './object-store';
import { ChunkWriter } from './gridfs-chunks';
import { beginUpload, discard, publishFile } from './gridfs-publish';
import type { GridfsService } from './gridfs-service';

/** Writes one file of whatever size. */
export class GridfsWriter implements ObjectWriter {
  readonly #chunks: ChunkWriter;

  private constructor(
    private readonly service: GridfsService,
    private readonly key: string,
    private readonly id: ObjectId,
    private readonly signal: AbortSignal | undefined,
  ) {
    this.#chunks = new ChunkWriter(service, id);
  }

  static async open(
    service: GridfsService,
    key: string,
    signal?: AbortSignal,
  ): Promise<GridfsWriter> {
    return new GridfsWriter(service, key, await beginUpload(service, key), signal);
  }

  write(bytes: Uint8Array): Promise<void> {
    this.signal?.throwIfAborted();
    return this.#chunks.write(bytes);
  }

  async close(ifAbsent = false): Promise<StoreObject> {
    const stored = await this.publish(ifAbsent);
    if (stored === undefined) throw new Error('another file of this name is there');
    return stored;
  }

  /** As `close`; undefined where another file of this name was first. */
  async publish(ifAbsent: boolean): Promise<StoreObject | undefined> {
    const sha256 = await this.#chunks.end();
    this.signal?.throwIfAborted();
    const { key, service, id } = this;
    return publishFile(service, id, { key, length: this.#chunks.written, sha256 }, ifAbsent);
  }

  async abort(): Promise<void> {
    await this.#chunks.settle();
    await discard(this.service, this.id);
  }
}
