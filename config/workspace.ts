import { lstat, mkdir } from 'node:fs/promises';
import { errorText, HoldfastError } from '../core/errors';
import type { Environment } from './environment';

/** A warning for a workspace that other users can reach or that a reboot empties; undefined when there is none. */
export function workspaceWarning(path: string): string | undefined {
  const shared = ['/tmp', '/var/tmp', '/dev/shm'].find(
    (directory) => path === directory || path.startsWith(`${directory}/`),
  );
  return shared === undefined
    ? undefined
    : `workspace ${path} lies below ${shared}: what a retry needs can vanish there`;
}

/**
 * Makes the workspace (mode 0700) when it is missing, and checks it.
 *
 * @throws HoldfastError HF-WORKSPACE-001 when it is no directory, belongs to somebody else, or
 * group or others can reach it.
 */
export async function prepareWorkspace(
  path: string,
  environment: Pick<Environment, 'uid'>,
): Promise<void> {
  const refuse = (reason: string, cause?: unknown): HoldfastError =>
    new HoldfastError(
      'HF-WORKSPACE-001',
      { path, reason },
      cause === undefined ? undefined : { cause },
    );
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw refuse(errorText(error), error);
  }
  const found = await lstat(path);
  if (!found.isDirectory()) throw refuse('it is not a directory');
  if (found.uid !== environment.uid) throw refuse('it belongs to another user');
  const mode = found.mode & 0o777;
  if ((mode & 0o077) !== 0) throw refuse(`its mode is 0${mode.toString(8)}`);
}
