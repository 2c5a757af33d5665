import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { errorText, HoldfastError } from '../core/errors';
import { Secret } from '../core/secret';
import type { Environment } from './environment';
import type { SecretReference } from './holdfast-config';

/** Largest file that is read as a secret, bytes. */
const maxSecretBytes = 64 * 1024;

/** The reference for people: it names a place, never a value. */
export function secretReferenceText(reference: SecretReference): string {
  return 'file' in reference ? `{file: ${reference.file}}` : `{env: ${reference.env}}`;
}

async function readSecretFile(path: string, uid: number): Promise<string> {
  // Non-blocking, so that a named pipe is refused instead of waited for.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const found = await file.stat();
    if (!found.isFile()) throw new Error('it is not a regular file');
    const mode = found.mode & 0o777;
    if (found.uid !== uid && found.uid !== 0) {
      throw new Error('it belongs neither to root nor to the user who runs Holdfast');
    }
    // 0640 is allowed where root owns the file and lends it to a group.
    const forbidden = found.uid === 0 ? 0o037 : 0o077;
    if ((mode & forbidden) !== 0) {
      throw new Error(`its mode is 0${mode.toString(8)}; it must be 0600, or 0640 owned by root`);
    }
    if (found.size > maxSecretBytes) throw new Error('it is larger than 64 KiB');
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

/**
 * Reads a secret. A file must be a regular one of mode 0600 (0640 when root owns it), owned by the
 * user or root; one line break at its end is not part of the secret.
 *
 * @throws HoldfastError HF-CONFIG-003
 */
export async function readSecret(
  reference: SecretReference,
  environment: Pick<Environment, 'variables' | 'uid'>,
): Promise<Secret> {
  const refuse = (reason: string, cause?: unknown): HoldfastError =>
    new HoldfastError(
      'HF-CONFIG-003',
      { reference: secretReferenceText(reference), reason },
      cause === undefined ? undefined : { cause },
    );
  if ('env' in reference) {
    const value = environment.variables[reference.env];
    if (value === undefined) throw refuse('the variable is not set');
    if (value === '') throw refuse('the variable is empty');
    return new Secret(value);
  }
  let content: string;
  try {
    content = await readSecretFile(reference.file, environment.uid);
  } catch (error) {
    throw refuse(errorText(error), error);
  }
  const value = content.replace(/\r?\n$/, '');
  if (value === '') throw refuse('it is empty');
  return new Secret(value);
}
