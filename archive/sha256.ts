import { webcrypto } from 'node:crypto';

/** SHA-256 of bytes, hex; by Web Crypto, which works on the thread pool. */
export async function sha256OffThread(bytes: Buffer): Promise<string> {
  return Buffer.from(await webcrypto.subtle.digest('SHA-256', bytes)).toString('hex');
}
