import { createHash } from 'node:crypto';
import type { ObjectId } from 'mongodb';
import { Flight } from './part-flight';
import { isDuplicate, type ChunkDocument, type GridfsService } from './gridfs-service';

/** Bytes that go to the server in one insert. */
const batchBytes = 4 * 1024 * 1024;
const insertsAtOnce = 2;

/** Writes the chunks of one file in their order, hashing them; memory for three batches. */
export class ChunkWriter {
  readonly #hash = createHash('sha256');
  readonly #flight = new Flight(insertsAtOnce);
  #batch: Buffer[] = [];
  #chunk: Buffer | undefined;
  #filled = 0;
  #done = 0;

  constructor(
    private readonly service: GridfsService,
    private readonly id: ObjectId,
    /** Chunk that comes next. */
    private next = 0,
  ) {}

  /** Bytes that were given to it, besides those that were there before. */
  get written(): number {
    return this.#done;
  }

  /** Takes what is there already into the hash. */
  hash(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }

  async write(bytes: Uint8Array): Promise<void> {
    const { chunkSize } = this.service.options;
    this.#hash.update(bytes);
    this.#done += bytes.length;
    for (let at = 0; at < bytes.length;) {
      const chunk = (this.#chunk ??= Buffer.allocUnsafe(chunkSize));
      const taken = Math.min(chunkSize - this.#filled, bytes.length - at);
      chunk.set(bytes.subarray(at, at + taken), this.#filled);
      this.#filled += taken;
      at += taken;
      if (this.#filled === chunkSize) await this.#push();
    }
  }

  async #push(): Promise<void> {
    const chunk = this.#chunk;
    if (chunk === undefined) return;
    this.#batch.push(chunk.subarray(0, this.#filled));
    this.#chunk = undefined;
    this.#filled = 0;
    if (this.#batch.length * this.service.options.chunkSize >= batchBytes) await this.#send();
  }

  async #send(): Promise<void> {
    const batch = this.#batch;
    const first = this.next;
    if (batch.length === 0) return;
    this.#batch = [];
    this.next += batch.length;
    await this.#flight.add(() => insertChunks(this.service, this.id, first, batch));
  }

  /** Resolves when every full chunk is durable. */
  async flush(): Promise<void> {
    await this.#send();
    await this.#flight.land();
  }

  /** Resolves with the SHA-256 (hex) of the whole file when all of it is durable. */
  async end(): Promise<string> {
    await this.#push();
    await this.flush();
    return this.#hash.digest('hex');
  }

  /** Resolves when nothing is on its way any more. */
  settle(): Promise<void> {
    return this.#flight.settle();
  }
}

async function insertChunks(
  service: GridfsService,
  id: ObjectId,
  first: number,
  batch: readonly Buffer[],
): Promise<void> {
  const { chunks } = await service.collections();
  const { Binary, ObjectId: Id } = await import('mongodb');
  const documents: ChunkDocument[] = batch.map((data, index) => ({
    _id: new Id(),
    files_id: id,
    n: first + index,
    data: new Binary(data),
  }));
  try {
    await chunks.insertMany(documents, { ordered: false });
  } catch (error) {
    if (!isDuplicate(error)) throw error;
    // An attempt that was overtaken wrote them, or an answer was lost: they must be the same.
    const found = chunks.find({ files_id: id, n: { $gte: first, $lt: first + batch.length } });
    let same = 0;
    for await (const { n, data } of found) {
      if (batch[n - first]?.equals(data.value()) === true) same += 1;
    }
    if (same !== batch.length) throw error;
  }
}

/** Removes the chunks of a file. */
export async function removeChunks(service: GridfsService, id: ObjectId): Promise<void> {
  const { chunks } = await service.collections();
  await chunks.deleteMany({ files_id: id });
}
