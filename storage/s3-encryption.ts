import type { HeadObjectCommandOutput } from '@aws-sdk/client-s3';
import { HoldfastError } from '../core/errors';
import type { S3Service } from './s3-service';

type Described = Pick<
  HeadObjectCommandOutput,
  'ServerSideEncryption' | 'SSEKMSKeyId' | 'SSECustomerAlgorithm' | 'SSECustomerKeyMD5'
>;

/** Whether the key that the service names is the one asked for; an alias may be any. */
function isKey(found: string | undefined, asked: string | undefined): boolean {
  if (asked === undefined || /(?:^|:)alias\//.test(asked)) return true;
  return found === asked || (found ?? '').endsWith(`/${asked}`);
}

function toldOf(found: Described): string {
  if (found.SSECustomerAlgorithm !== undefined) return 'a customer key';
  const { ServerSideEncryption: how, SSEKMSKeyId: key } = found;
  if (how === undefined) return 'nothing';
  return key === undefined ? how : `${how} with key ${key}`;
}

/**
 * Proves that an object is encrypted as the options ask, by what the service says of it: a service
 * that does not know the headers ignores them.
 *
 * @throws HoldfastError HF-STORAGE-016
 */
export async function requireEncrypted(
  service: S3Service,
  name: string,
  found: Described,
): Promise<void> {
  const { encryption } = service.options;
  const refuse = (asked: string): HoldfastError =>
    new HoldfastError('HF-STORAGE-016', {
      storage: service.options.name,
      name,
      asked,
      found: toldOf(found),
    });
  switch (encryption?.type) {
    case undefined:
      return;
    case 'AES256':
      if (found.ServerSideEncryption !== 'AES256') throw refuse('AES256');
      return;
    case 'aws:kms': {
      const { keyId } = encryption;
      const isKms = found.ServerSideEncryption?.startsWith('aws:kms') === true;
      if (isKms && isKey(found.SSEKMSKeyId, keyId)) return;
      throw refuse(keyId === undefined ? 'aws:kms' : `aws:kms with key ${keyId}`);
    }
    case 'customer': {
      const { SSECustomerKeyMD5 } = await service.contentHeaders();
      if (found.SSECustomerKeyMD5 !== SSECustomerKeyMD5) throw refuse('a customer key');
    }
  }
}
