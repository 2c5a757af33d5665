import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { goTime, goZeroTime } from './go-json';
import { emptyMetadata, type JujuMetadata } from './metadata';

/** How Juju calls the checksum of an archive: SHA-1 of the .tar.gz in padded base64. */
export const checksumFormat = 'SHA-1, base64 encoded';

/** What Juju puts where it knows nothing. */
const unknownText = '<unknown>';
const unknownVersion = '9999.9999.9999';

/**
 * What a file itself says about an archive, for one without metadata.json: size, checksum, and when it
 * was finished, which is its change time in whole seconds. Names are `<unknown>` and the version is
 * `9999.9999.9999`, as Juju has them; numbers that Juju sets to the largest there is are 0.
 *
 * @throws the file system's error when it can't be read; the signal's reason
 */
export async function buildMetadata(
  path: string,
  options: { readonly signal?: AbortSignal } = {},
): Promise<JujuMetadata> {
  const hash = createHash('sha1');
  let size = 0;
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    options.signal?.throwIfAborted();
    hash.update(chunk);
    size += chunk.length;
  }
  const { ctimeMs } = await stat(path);
  const finished = new Date(Math.floor(ctimeMs / 1000) * 1000);
  const unknown = emptyMetadata({
    modelUuid: unknownText,
    machine: unknownText,
    hostname: unknownText,
    series: unknownText,
    version: unknownVersion,
  });
  return markComplete(unknown, { size, checksum: hash.digest('base64'), finished });
}

/**
 * Metadata with what is only known when the archive is written: size, checksum in Juju's format, and
 * when it was finished. Each can be set once.
 *
 * @param complete.size bytes of the .tar.gz
 * @param complete.checksum its SHA-1 in padded base64
 * @throws RangeError for no size or no checksum, or when another one is set already
 */
export function markComplete(
  metadata: JujuMetadata,
  complete: { readonly size: number; readonly checksum: string; readonly finished: Date },
): JujuMetadata {
  const { size, checksum, finished } = complete;
  if (!Number.isSafeInteger(size) || size <= 0) throw new RangeError(`a size of ${size} bytes`);
  if (checksum === '') throw new RangeError('no checksum');
  if (metadata.size !== 0 && metadata.size !== size) {
    throw new RangeError(`the size is ${metadata.size} bytes already`);
  }
  if (metadata.checksum !== '' && metadata.checksum !== checksum) {
    throw new RangeError(`the checksum is ${metadata.checksum} already`);
  }
  const known = metadata.finished !== goZeroTime;
  return {
    ...metadata,
    size,
    checksum,
    checksumFormat,
    finished: known ? metadata.finished : goTime(finished),
  };
}
