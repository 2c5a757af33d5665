import type { Secret } from '../core/secret';

/** How the service encrypts what it stores: its own key, a key of its key service, a key of ours. */
export type S3Encryption =
  | { readonly type: 'AES256' }
  | { readonly type: 'aws:kms'; readonly keyId?: string }
  | {
      readonly type: 'customer';
      /** 32 bytes as base64; read when the first request needs it. */
      readonly key: () => Promise<Secret>;
    };

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface S3StorageOptions {
  /** The name it has in the configuration. */
  readonly name: string;
  readonly bucket: string;
  /** Where in the bucket: parts joined by `/`, without one at either end; empty for the whole bucket. */
  readonly prefix: string;
  readonly region: string;
  /** URL of a service other than AWS. */
  readonly endpoint?: string | undefined;
  /** `endpoint/bucket/key` instead of `bucket.endpoint/key`. */
  readonly pathStyle: boolean;
  readonly encryption?: S3Encryption | undefined;
  /** The SDK's default chain where undefined: variables, profile, web identity, container, instance. */
  readonly credentials?: (() => Promise<S3Credentials>) | undefined;
  /** Least bytes of a part, 5 MiB to 5 GiB; larger where 10,000 of them would not hold the file. */
  readonly partSize: number;
  /** Parts on their way at once; fewer where parts are so large that they would take more than 256 MiB. */
  readonly parallel: number;
  /** How often a request is made before it has failed. */
  readonly attempts: number;
  /** Milliseconds a connection may say nothing. */
  readonly timeout: number;
  /** `sha256`: each part and object with its SHA-256; `basic`: for services that refuse newer checksums. */
  readonly checksums: 'sha256' | 'basic';
  /** Whether the service has `If-None-Match` on PUT; `auto` finds out by trying, once. */
  readonly conditionalWrites: 'auto' | 'yes' | 'no';
  /** Object Lock of complete backups. */
  readonly retention?:
    { readonly mode: 'GOVERNANCE' | 'COMPLIANCE'; readonly days: number } | undefined;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}
