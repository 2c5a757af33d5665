import { setMaxListeners } from 'node:events';

/**
 * A signal that is aborted when one of these is. Any number of waits may hang on it: what warns of more
 * than ten listeners is meant for leaks, not for the parts of one operation.
 */
export function mergedSignal(...signals: readonly AbortSignal[]): AbortSignal {
  const merged = AbortSignal.any([...signals]);
  setMaxListeners(0, merged);
  return merged;
}
