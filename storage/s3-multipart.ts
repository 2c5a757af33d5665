import type { CompletedPart } from '@aws-sdk/client-s3';
import { isMissingUpload, type S3Service } from './s3-service';
import { isPutBy, writerMetadata } from './s3-put';

/** A part as the service holds it. */
export interface HeldPart extends CompletedPart {
  readonly PartNumber: number;
  readonly size: number;
  /** Milliseconds since the epoch. */
  readonly modified: number;
}

/** One multipart upload. */
export interface Multipart {
  readonly key: string;
  readonly id: string;
  /** Kept with the object: tells an upload that was completed from one that vanished. */
  readonly writer: string;
}

const abortOf = (signal: AbortSignal | undefined) => (signal ? { abortSignal: signal } : {});

export async function createMultipart(
  service: S3Service,
  key: string,
  writer: string,
  signal?: AbortSignal,
): Promise<Multipart> {
  const client = await service.client();
  const created = await client.createMultipartUpload(
    {
      ...service.at(key),
      ...(await service.writeHeaders()),
      Metadata: { [writerMetadata]: writer },
      ...(service.options.checksums === 'basic' ? {} : { ChecksumAlgorithm: 'SHA256' }),
    },
    abortOf(signal),
  );
  if (created.UploadId === undefined) throw new Error('the service began an upload without an id');
  return { key, id: created.UploadId, writer };
}

/** Sends one part; sent again it replaces itself. */
export async function sendPart(
  service: S3Service,
  upload: Multipart,
  number: number,
  bytes: Uint8Array,
  signal?: AbortSignal,
): Promise<HeldPart> {
  const client = await service.client();
  const checksum = service.checksum(bytes);
  const answer = await client.uploadPart(
    {
      ...service.at(upload.key),
      ...(await service.contentHeaders()),
      ...checksum,
      UploadId: upload.id,
      PartNumber: number,
      Body: bytes,
    },
    abortOf(signal),
  );
  return {
    PartNumber: number,
    ETag: answer.ETag,
    ...(checksum.ChecksumSHA256 === undefined ? {} : { ChecksumSHA256: checksum.ChecksumSHA256 }),
    size: bytes.length,
    modified: service.options.now(),
  };
}

/** The parts that the service holds, by number; undefined when it knows no such upload. */
export async function listParts(
  service: S3Service,
  upload: { readonly key: string; readonly id: string },
  signal?: AbortSignal,
): Promise<Map<number, HeldPart> | undefined> {
  const client = await service.client();
  const parts = new Map<number, HeldPart>();
  let marker: string | undefined;
  try {
    do {
      const page = await client.listParts(
        {
          ...service.at(upload.key),
          ...(await service.contentHeaders()),
          UploadId: upload.id,
          ...(marker === undefined ? {} : { PartNumberMarker: marker }),
        },
        abortOf(signal),
      );
      for (const { PartNumber = 0, ETag, ChecksumSHA256, Size = 0, LastModified } of page.Parts ??
        []) {
        parts.set(PartNumber, {
          PartNumber,
          ETag,
          ...(ChecksumSHA256 === undefined ? {} : { ChecksumSHA256 }),
          size: Size,
          modified: LastModified?.getTime() ?? 0,
        });
      }
      marker = page.IsTruncated === true ? page.NextPartNumberMarker : undefined;
    } while (marker !== undefined);
  } catch (error) {
    if (isMissingUpload(error)) return undefined;
    throw error;
  }
  return parts;
}

/**
 * Makes the object of its parts. An upload that is gone was completed already when the object there
 * carries its writer's id.
 */
export async function completeMultipart(
  service: S3Service,
  upload: Multipart,
  parts: readonly HeldPart[],
  signal?: AbortSignal,
): Promise<void> {
  const client = await service.client();
  const Parts = parts.map(({ PartNumber, ETag, ChecksumSHA256 }) => ({
    PartNumber,
    ETag,
    ...(ChecksumSHA256 === undefined ? {} : { ChecksumSHA256 }),
  }));
  try {
    await client.completeMultipartUpload(
      {
        ...service.at(upload.key),
        ...(await service.contentHeaders()),
        UploadId: upload.id,
        MultipartUpload: { Parts },
      },
      abortOf(signal),
    );
  } catch (error) {
    if (!isMissingUpload(error)) throw error;
    if (!(await isPutBy(service, upload.key, upload.writer, signal))) throw error;
  }
}

/** Ends an upload; again until the service no longer knows it, since parts on their way arrive late. */
export async function abortMultipart(
  service: S3Service,
  upload: { readonly key: string; readonly id: string },
  signal?: AbortSignal,
): Promise<void> {
  const client = await service.client();
  for (let round = 0; round < 20; round += 1) {
    try {
      const request = { ...service.at(upload.key), UploadId: upload.id };
      await client.abortMultipartUpload(request, abortOf(signal));
    } catch (error) {
      if (isMissingUpload(error)) return;
      throw error;
    }
    if ((await listParts(service, upload, signal)) === undefined) return;
  }
  throw new Error(`the upload ${upload.id} is still there`);
}
