import { HoldfastError } from '../core/errors';
import { quoteName } from '../core/ids';
import { manifestName } from './contract';

const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/;

/** Whether a storage may hold something of this name. */
export function isStorageName(name: string): boolean {
  return namePattern.test(name);
}

function refuse(kind: string, name: string): HoldfastError {
  const shown = name === '' ? '""' : quoteName(name.slice(0, 80));
  return new HoldfastError('HF-STORAGE-003', { kind, name: shown });
}

/** @throws HoldfastError HF-STORAGE-003 */
export function checkName(kind: 'backup' | 'file', name: string): void {
  if (!isStorageName(name)) throw refuse(kind, name);
}

/** The parts of a directory. @throws HoldfastError HF-STORAGE-003 */
export function directoryParts(directory: string): string[] {
  const parts = directory.split('/');
  if (parts.length === 0 || parts.length > 8 || !parts.every(isStorageName)) {
    throw refuse('directory', directory);
  }
  return parts;
}

/** @throws Error when a MANIFEST is empty: a storage may keep an empty one for an abort that is under way. */
export function checkManifest(name: string, bytes: Uint8Array): void {
  if (name === manifestName && bytes.length === 0) throw new Error('a MANIFEST is never empty');
}
