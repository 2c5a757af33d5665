import { setTimeout as delay } from 'node:timers/promises';

/**
 * Asks every 50 ms until the answer is yes.
 * @throws Error after `seconds`.
 */
export async function delayUntil(
  what: string,
  ask: () => Promise<boolean>,
  seconds = 120,
): Promise<void> {
  const deadline = performance.now() + seconds * 1000;
  while (!(await ask())) {
    if (performance.now() > deadline) throw new Error(`never came: ${what}`);
    await delay(50);
  }
}
