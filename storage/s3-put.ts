import { randomBytes } from 'node:crypto';
import { headObject } from './s3-head';
import type { S3Service } from './s3-service';

/** Metadata that tells who put an object, to know one's own after an answer was lost. */
export const writerMetadata = 'holdfast-writer';

export function writerId(): string {
  return randomBytes(16).toString('hex');
}

/** Whether the object there was put by this writer. */
export async function isPutBy(
  service: S3Service,
  key: string,
  writer: string,
  signal?: AbortSignal,
): Promise<boolean> {
  const found = await headObject(service, key, signal);
  return found?.Metadata?.[writerMetadata] === writer;
}

/** Puts an object, only where there is none if `ifAbsent`. @throws what the service answers */
export async function putBytes(
  service: S3Service,
  key: string,
  bytes: Uint8Array,
  options: { readonly ifAbsent?: boolean; readonly writer?: string; readonly signal?: AbortSignal },
): Promise<void> {
  const client = await service.client();
  await client.putObject(
    {
      ...service.at(key),
      ...(await service.writeHeaders()),
      ...service.checksum(bytes),
      Body: bytes,
      ...(options.ifAbsent === true ? { IfNoneMatch: '*' } : {}),
      ...(options.writer === undefined ? {} : { Metadata: { [writerMetadata]: options.writer } }),
    },
    options.signal ? { abortSignal: options.signal } : {},
  );
}
