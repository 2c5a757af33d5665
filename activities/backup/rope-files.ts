import { join } from 'node:path';

/** The frozen rope of a run: from here on the archive's bytes are fixed. */
export function ropePath(runDirectory: string): string {
  return join(runDirectory, 'rope.json');
}

/** The INDEX of the rope, ready to be stored. */
export function indexPath(runDirectory: string): string {
  return join(runDirectory, 'INDEX');
}
