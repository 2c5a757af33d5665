import { HoldfastError } from '../core/errors';
import { quoteName } from '../core/ids';
import type { EntryPolicy } from './entry-policy';
import type { TarEntry } from './tar-entry';
import type { ReadTarEntry } from './tar-parser';

/** Where an entry comes from, for errors. */
export interface AdmittedFrom {
  readonly archive: string;
  /** The name of an entry for errors, from its path. */
  readonly label: (path: string) => string;
}

/**
 * An entry of a tar that others made, when the policy allows it: GNU tar's slash behind directories and
 * modes that the archive itself has no use for are taken off first.
 *
 * @throws HoldfastError HF-ARCHIVE-002
 */
export function admitEntry(
  entry: ReadTarEntry['entry'],
  policy: EntryPolicy,
  { archive, label }: AdmittedFrom,
): TarEntry {
  const refuse = (reason: string): HoldfastError =>
    new HoldfastError('HF-ARCHIVE-002', { archive, entry: quoteName(label(entry.path)), reason });
  if (entry.type === 'other') throw refuse(`it is a ${entry.kind}`);
  const path = entry.type === 'directory' ? entry.path.replace(/\/$/, '') : entry.path;
  const mode = policy.place === 'archive' ? entry.mode & 0o777 : entry.mode;
  const read = { ...entry, path, mode };
  const problem = policy.problem(read);
  if (problem !== undefined) throw refuse(problem);
  return read;
}
