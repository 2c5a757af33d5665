import { setTimeout as sleep } from 'node:timers/promises';
import { putByClaim } from './s3-claim';
import { isPutBy, putBytes, writerId } from './s3-put';
import { isPreconditionFailed, s3Error, type S3Service } from './s3-service';

const conflictTries = 20;
/** Milliseconds. */
const conflictWait = 50;

/** Puts an object where there is none; the service decides among several at once. */
async function putIfNoneMatch(
  service: S3Service,
  key: string,
  bytes: Uint8Array,
  signal?: AbortSignal,
): Promise<'written' | 'exists'> {
  const writer = writerId();
  for (let tries = 1; ; tries += 1) {
    try {
      await putBytes(service, key, bytes, {
        ifAbsent: true,
        writer,
        ...(signal ? { signal } : {}),
      });
      return 'written';
    } catch (error) {
      // The answer to an earlier try of the SDK may have been lost: then the object is our own.
      if (isPreconditionFailed(error)) {
        return (await isPutBy(service, key, writer, signal)) ? 'written' : 'exists';
      }
      // Another put of the same key is being decided.
      if (s3Error(error).status !== 409 || tries === conflictTries) throw error;
      await sleep(conflictWait, undefined, signal ? { signal } : {});
    }
  }
}

/** Conditional puts of one bucket: by the service where it has them, else by claims. */
export class ConditionalPut {
  #supported: Promise<boolean> | undefined;
  #found: boolean | undefined;

  constructor(private readonly service: S3Service) {}

  /** Whether the service decides, as far as it is known by now. */
  get known(): boolean {
    return this.#found ?? this.service.options.conditionalWrites !== 'no';
  }

  /** Tries it on an object of its own, which is removed again. */
  async #probe(): Promise<boolean> {
    const key = `.holdfast-probe-${writerId()}`;
    const client = await this.service.client();
    try {
      await putBytes(this.service, key, Buffer.from('1'), { ifAbsent: true });
      await putBytes(this.service, key, Buffer.from('2'), { ifAbsent: true });
      return false;
    } catch (error) {
      if (isPreconditionFailed(error)) return true;
      if ([400, 501].includes(s3Error(error).status)) return false;
      throw error;
    } finally {
      await client.deleteObject(this.service.at(key));
    }
  }

  /** Whether the service decides conditional puts itself; tried once where the options say `auto`. */
  supported(): Promise<boolean> {
    const { conditionalWrites } = this.service.options;
    if (conditionalWrites !== 'auto') return Promise.resolve(conditionalWrites === 'yes');
    this.#supported ??= this.#probe().then(
      (found) => (this.#found = found),
      (error: unknown) => {
        this.#supported = undefined;
        throw error;
      },
    );
    return this.#supported;
  }

  async put(key: string, bytes: Uint8Array, signal?: AbortSignal): Promise<'written' | 'exists'> {
    return (await this.supported())
      ? putIfNoneMatch(this.service, key, bytes, signal)
      : putByClaim(this.service, key, bytes, signal);
  }
}
