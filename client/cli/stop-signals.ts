/**
 * Resolves at the first SIGINT, SIGTERM or SIGHUP; every further one calls `again`, until the
 * process ends.
 */
export function untilStopped(again: () => void): Promise<void> {
  return new Promise((resolve) => {
    let asked = false;
    const stop = (): void => {
      if (asked) again();
      asked = true;
      resolve();
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
  });
}
