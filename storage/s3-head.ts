import type { HeadObjectCommandOutput } from '@aws-sdk/client-s3';
import { Readable } from 'node:stream';
import { isMissingObject, s3Error, type S3Service } from './s3-service';

const abortOf = (signal: AbortSignal | undefined) => (signal ? { abortSignal: signal } : {});

/**
 * What the service says of an object; undefined when there is none. The answer to a HEAD has no body,
 * so a refusal does not say why: an expired token looks like a missing permission, and the SDK does not
 * learn that its clock is wrong. The same question is then put as a GET, whose answer says it.
 */
export async function headObject(
  service: S3Service,
  key: string,
  signal?: AbortSignal,
): Promise<HeadObjectCommandOutput | undefined> {
  const client = await service.client();
  const request = { ...service.at(key), ...(await service.contentHeaders()) };
  const ask = () => client.headObject(request, abortOf(signal));
  try {
    return await ask().catch(async (error: unknown) => {
      if (s3Error(error).status !== 403) throw error;
      const { Body } = await client.getObject(request, abortOf(signal));
      if (Body instanceof Readable) Body.destroy();
      return ask();
    });
  } catch (error) {
    if (isMissingObject(error)) return undefined;
    throw error;
  }
}
