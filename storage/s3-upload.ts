import type { UploadOptions, UploadSource, UploadState } from './contract';
import type { UploadHooks } from './object-store';
import { Flight } from './part-flight';
import {
  abortMultipart,
  completeMultipart,
  createMultipart,
  listParts,
  sendPart,
  type HeldPart,
  type Multipart,
} from './s3-multipart';
import { partLength, partSizeFor, partsInFlight } from './s3-parts';
import { isPutBy, putBytes, writerId } from './s3-put';
import { isMissingUpload, type S3Service } from './s3-service';

interface Session {
  readonly upload: Multipart;
  readonly partSize: number;
  /** What the service holds, by number. */
  readonly held: Map<number, HeldPart>;
}

function stateOf({ upload, partSize }: Session, acknowledged: number): UploadState {
  const detail = { uploadId: upload.id, writer: upload.writer, partSize };
  return { v: 1, type: 's3', acknowledged, detail };
}

/** The upload an earlier attempt reported, if the service still has it; `done` when it was completed. */
async function resumed(
  service: S3Service,
  key: string,
  size: number,
  { resume, signal }: UploadOptions,
): Promise<Session | 'done' | undefined> {
  const { uploadId: id, writer, partSize } = resume?.type === 's3' ? resume.detail : {};
  if (typeof id !== 'string' || typeof writer !== 'string' || typeof partSize !== 'number') {
    return undefined;
  }
  if (!Number.isSafeInteger(partSize) || partSize < partSizeFor(size, 1)) return undefined;
  const upload = { key, id, writer };
  const held = await listParts(service, upload, signal);
  if (held !== undefined) return { upload, partSize, held };
  return (await isPutBy(service, key, writer, signal)) ? 'done' : undefined;
}

/** A new upload; those of earlier attempts end, which also stops who still sends to them. */
async function begin(
  service: S3Service,
  key: string,
  size: number,
  others: () => Promise<readonly { readonly key: string; readonly id: string }[]>,
  signal?: AbortSignal,
): Promise<Session> {
  const upload = await createMultipart(service, key, writerId(), signal);
  for (const other of await others()) {
    if (other.key === key && other.id !== upload.id) await abortMultipart(service, other, signal);
  }
  const partSize = partSizeFor(size, service.options.partSize);
  return { upload, partSize, held: new Map() };
}

/** Bytes that the service holds without a gap from the beginning. */
function acknowledgedBytes({ held, partSize }: Session, size: number): number {
  let bytes = 0;
  for (let number = 1; bytes < size; number += 1) {
    const length = partLength(number, partSize, size);
    if (held.get(number)?.size !== length) return bytes;
    bytes += length;
  }
  return bytes;
}

/** The source from `start` in parts; the buffers are the caller's to keep. */
async function* partsOf(
  source: UploadSource,
  start: number,
  partSize: number,
  signal?: AbortSignal,
): AsyncGenerator<{ readonly number: number; readonly bytes: Buffer }> {
  let number = start / partSize + 1;
  let done = start;
  let part = Buffer.allocUnsafe(partLength(number, partSize, source.size));
  let filled = 0;
  for await (const chunk of source.read(start, signal)) {
    signal?.throwIfAborted();
    done += chunk.length;
    if (done > source.size) {
      throw new Error(`the source holds more than its ${source.size} bytes`);
    }
    for (let at = 0; at < chunk.length;) {
      const taken = Math.min(part.length - filled, chunk.length - at);
      part.set(chunk.subarray(at, at + taken), filled);
      filled += taken;
      at += taken;
      if (filled < part.length) continue;
      yield { number, bytes: part };
      number += 1;
      filled = 0;
      part = Buffer.allocUnsafe(Math.max(0, partLength(number, partSize, source.size)));
    }
  }
  signal?.throwIfAborted();
  if (done !== source.size) throw new Error(`the source ended at byte ${done} of ${source.size}`);
}

async function putSmall(
  service: S3Service,
  key: string,
  source: UploadSource,
  { signal }: UploadOptions,
  hooks: UploadHooks,
): Promise<void> {
  let whole: Buffer = Buffer.alloc(0);
  for await (const { bytes } of partsOf(source, 0, Math.max(1, source.size), signal)) whole = bytes;
  await hooks.check();
  await putBytes(service, key, whole, signal ? { signal } : {});
}

async function sendParts(
  service: S3Service,
  session: Session,
  source: UploadSource,
  { signal, onProgress }: UploadOptions,
  hooks: UploadHooks,
): Promise<void> {
  const { upload, partSize, held } = session;
  const flight = new Flight(partsInFlight(partSize, service.options.parallel));
  let reported = -1;
  const report = async (): Promise<void> => {
    const acknowledged = acknowledgedBytes(session, source.size);
    if (acknowledged === reported) return;
    await hooks.check();
    await onProgress?.(stateOf(session, acknowledged));
    reported = acknowledged;
  };
  try {
    await report();
    if (reported < source.size) {
      for await (const { number, bytes } of partsOf(source, reported, partSize, signal)) {
        await flight.add(async () => {
          if (isHeld(service, held.get(number), bytes)) return;
          held.set(number, await sendPart(service, upload, number, bytes, signal));
        });
        await report();
      }
    }
    await flight.land();
    await report();
  } finally {
    await flight.settle();
  }
}

/** Whether the service holds these very bytes: then they need not be sent again. */
function isHeld(service: S3Service, part: HeldPart | undefined, bytes: Buffer): boolean {
  if (part === undefined || part.size !== bytes.length) return false;
  const { ChecksumSHA256 } = service.checksum(bytes);
  return ChecksumSHA256 !== undefined && ChecksumSHA256 === part.ChecksumSHA256;
}

/**
 * Uploads a file in parts, several at once. What the service lists as held is the truth of a resume:
 * only what is missing is sent. The upload of a failed attempt stays for the next one.
 */
export async function uploadInParts(
  service: S3Service,
  key: string,
  source: UploadSource,
  options: UploadOptions,
  hooks: UploadHooks,
  others: () => Promise<readonly { readonly key: string; readonly id: string }[]>,
): Promise<void> {
  const { signal } = options;
  if (source.size <= service.options.partSize) {
    return putSmall(service, key, source, options, hooks);
  }
  const found = await resumed(service, key, source.size, options);
  if (found === 'done') return;
  const session = found ?? (await begin(service, key, source.size, others, signal));
  try {
    await sendParts(service, session, source, options, hooks);
    await hooks.check();
    const parts = [...session.held.values()].toSorted((a, b) => a.PartNumber - b.PartNumber);
    await completeMultipart(service, session.upload, parts, signal);
  } catch (error) {
    // Somebody ended the upload: who, the owner's check tells better than the service.
    if (isMissingUpload(error)) await hooks.check();
    throw error;
  }
}
