import { createHash } from 'node:crypto';
import type { S3 } from '@aws-sdk/client-s3';
import { errorText, HoldfastError } from '../core/errors';
import type { S3StorageOptions } from './s3-options';

/** Name and status of an error of the service, for decisions. */
export function s3Error(error: unknown): { readonly name: string; readonly status: number } {
  if (typeof error !== 'object' || error === null) return { name: '', status: 0 };
  const name = 'name' in error && typeof error.name === 'string' ? error.name : '';
  const metadata: unknown = '$metadata' in error ? error.$metadata : undefined;
  const status =
    typeof metadata === 'object' && metadata !== null && 'httpStatusCode' in metadata
      ? Number(metadata.httpStatusCode)
      : 0;
  return { name, status };
}

export const isMissingObject = (error: unknown): boolean =>
  ['NoSuchKey', 'NotFound'].includes(s3Error(error).name);
export const isMissingUpload = (error: unknown): boolean => s3Error(error).name === 'NoSuchUpload';
export const isPreconditionFailed = (error: unknown): boolean => s3Error(error).status === 412;

/** Refusals that end by themselves: new credentials are fetched, the clock's difference is learnt. */
const passing = ['ExpiredToken', 'ExpiredTokenException', 'RequestTimeTooSkewed', 'RequestExpired'];

/** By the status, since services have names of their own for it. */
function isRefusal({ name, status }: { readonly name: string; readonly status: number }): boolean {
  // Before any request, and from versitygw, which knows no such key.
  if (name === 'CredentialsProviderError' || name === 'XAdminUserNotFound') return true;
  return (status === 401 || status === 403) && !passing.includes(name);
}

/** What requests about the content of objects carry besides. */
export interface ContentHeaders {
  readonly SSECustomerAlgorithm?: string;
  readonly SSECustomerKey?: string;
  readonly SSECustomerKeyMD5?: string;
}

export interface WriteHeaders extends ContentHeaders {
  readonly ServerSideEncryption?: 'AES256' | 'aws:kms';
  readonly SSEKMSKeyId?: string;
}

/** A bucket with its client, which is made by the first request and again after `close`. */
export class S3Service {
  readonly bucket: string;
  readonly prefix: string;
  #client: Promise<S3> | undefined;
  #customer: Promise<ContentHeaders> | undefined;

  constructor(readonly options: S3StorageOptions) {
    this.bucket = options.bucket;
    this.prefix = options.prefix === '' ? '' : `${options.prefix}/`;
  }

  client(): Promise<S3> {
    this.#client ??= this.#connect();
    return this.#client;
  }

  async #connect(): Promise<S3> {
    // Loaded by the first request: the SDK takes its time, and most commands need none.
    const sdk = await import('@aws-sdk/client-s3');
    const { region, endpoint, pathStyle, attempts, credentials, timeout, checksums } = this.options;
    const checksumCalculation = checksums === 'basic' ? 'WHEN_REQUIRED' : 'WHEN_SUPPORTED';
    return new sdk.S3({
      region,
      forcePathStyle: pathStyle,
      maxAttempts: attempts,
      // Slows down by itself when the service says that it is asked too often.
      retryMode: 'adaptive',
      requestChecksumCalculation: checksumCalculation,
      responseChecksumValidation: checksumCalculation,
      requestHandler: { connectionTimeout: timeout, socketTimeout: timeout },
      ...(endpoint === undefined ? {} : { endpoint }),
      ...(credentials === undefined ? {} : { credentials }),
    });
  }

  /** Bucket and key of an object. */
  at(key: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.bucket, Key: `${this.prefix}${key}` };
  }

  /** The key that the storage knows an object by. */
  keyOf(found: string | undefined): string {
    return (found ?? '').slice(this.prefix.length);
  }

  /** For reading content and for parts. */
  async contentHeaders(): Promise<ContentHeaders> {
    const { encryption } = this.options;
    if (encryption?.type !== 'customer') return {};
    this.#customer ??= encryption.key().then((secret) => {
      const key = Buffer.from(secret.reveal(), 'base64');
      if (key.length !== 32) throw new Error('the customer key is not 32 bytes as base64');
      return {
        SSECustomerAlgorithm: 'AES256',
        SSECustomerKey: key.toString('base64'),
        SSECustomerKeyMD5: createHash('md5').update(key).digest('base64'),
      };
    });
    return this.#customer;
  }

  /** For new objects. */
  async writeHeaders(): Promise<WriteHeaders> {
    const { encryption } = this.options;
    switch (encryption?.type) {
      case undefined:
        return {};
      case 'AES256':
        return { ServerSideEncryption: 'AES256' };
      case 'aws:kms':
        return {
          ServerSideEncryption: 'aws:kms',
          ...(encryption.keyId === undefined ? {} : { SSEKMSKeyId: encryption.keyId }),
        };
      case 'customer':
        return this.contentHeaders();
    }
  }

  /** The checksum that goes with these bytes. */
  checksum(bytes: Uint8Array): { readonly ChecksumSHA256?: string; readonly ContentMD5?: string } {
    return this.options.checksums === 'basic'
      ? { ContentMD5: createHash('md5').update(bytes).digest('base64') }
      : { ChecksumSHA256: createHash('sha256').update(bytes).digest('base64') };
  }

  failure(operation: string, name: string, error: unknown): HoldfastError {
    const storage = this.options.name;
    const found = s3Error(error);
    const reason = `${found.name === '' || found.name === 'Error' ? '' : `${found.name}: `}${errorText(error)}`;
    if (found.name === 'NoSuchBucket') {
      const params = { storage, bucket: this.bucket };
      return new HoldfastError('HF-STORAGE-014', params, { cause: error });
    }
    if (isRefusal(found)) {
      return new HoldfastError('HF-STORAGE-013', { storage, reason }, { cause: error });
    }
    const params = { storage, operation, name, reason };
    return new HoldfastError('HF-STORAGE-006', params, { cause: error });
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    this.#customer = undefined;
    (await client?.catch(() => undefined))?.destroy();
  }
}
