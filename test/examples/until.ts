import { setTimeout as delay } from 'node:timers/promises';

/** Asks again and again until the answer is there; fails after a minute, saying what it waited for. */
export async function until<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
  for (let tries = 0; tries < 1_200; tries += 1) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    await delay(50);
  }
  throw new Error(`waited in vain for ${what}`);
}
