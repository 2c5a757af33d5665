import type { SeededRandom } from './seeded-random';

const words =
  'the charm hook relation config changed update status install start leader elected waiting for database unit machine is ready agent initializing installing snap package restarted service peer joined departed storage attached volume network address space binding endpoint certificate renewed expires in days hours minutes failed retrying connection refused timeout exceeded pending maintenance active blocked missing required'.split(
    ' ',
  );

/** Text of that many characters such as charms write into their status: few words, in any order. */
export function charmWords(random: SeededRandom, length: number): string {
  let text = '';
  while (text.length < length) text += `${words[random.below(words.length)]} `;
  return text.slice(0, length);
}
