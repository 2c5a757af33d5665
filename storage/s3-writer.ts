import type { ObjectWriter, StoreObject } from './object-store';
import { Flight } from './part-flight';
import {
  abortMultipart,
  completeMultipart,
  createMultipart,
  sendPart,
  type HeldPart,
  type Multipart,
} from './s3-multipart';
import { growingPartSize, mostParts, partSizeFor, partsInFlight } from './s3-parts';
import { putBytes, writerId } from './s3-put';
import type { S3Service } from './s3-service';

/** Writes an object whose size need not be known: one put when it is small, parts when it is not. */
export class S3Writer implements ObjectWriter {
  readonly #first: number;
  readonly #parts: HeldPart[] = [];
  readonly #flight: Flight;
  #upload: Multipart | undefined;
  #chunks: Buffer[] = [];
  #gathered = 0;
  #written = 0;
  #number = 1;

  constructor(
    private readonly service: S3Service,
    private readonly key: string,
    size: number | undefined,
    private readonly signal: AbortSignal | undefined,
    /** Proves that the service holds so many bytes. */
    private readonly stored: (written: number) => Promise<StoreObject>,
  ) {
    this.#first = partSizeFor(size ?? 0, service.options.partSize);
    this.#flight = new Flight(partsInFlight(this.#first, service.options.parallel));
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      const room = growingPartSize(this.#number, this.#first) - this.#gathered;
      const piece = Buffer.from(bytes.subarray(at, at + room));
      this.#chunks.push(piece);
      this.#gathered += piece.length;
      this.#written += piece.length;
      at += piece.length;
      if (piece.length === room) await this.#send();
    }
  }

  async #send(): Promise<void> {
    const { service, key, signal } = this;
    if (this.#number > mostParts) throw new Error(`the file needs more than ${mostParts} parts`);
    const upload = (this.#upload ??= await createMultipart(service, key, writerId(), signal));
    const bytes = Buffer.concat(this.#chunks);
    const number = this.#number;
    this.#chunks = [];
    this.#gathered = 0;
    this.#number += 1;
    await this.#flight.add(async () => {
      this.#parts.push(await sendPart(service, upload, number, bytes, signal));
    });
  }

  async close(): Promise<StoreObject> {
    const { service, key, signal } = this;
    if (this.#upload === undefined) {
      await putBytes(service, key, Buffer.concat(this.#chunks), signal ? { signal } : {});
    } else {
      if (this.#gathered > 0) await this.#send();
      await this.#flight.land();
      const parts = this.#parts.toSorted((a, b) => a.PartNumber - b.PartNumber);
      await completeMultipart(service, this.#upload, parts, signal);
      this.#upload = undefined;
    }
    this.#chunks = [];
    return this.stored(this.#written);
  }

  async abort(): Promise<void> {
    this.#chunks = [];
    await this.#flight.settle();
    if (this.#upload !== undefined) await abortMultipart(this.service, this.#upload);
    this.#upload = undefined;
  }
}
