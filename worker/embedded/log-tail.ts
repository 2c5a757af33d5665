import { open } from 'node:fs/promises';

const mostBytes = 2_000;
const mostLines = 5;

/** The last lines of a log, each on a line of its own after a line break; empty for none. */
export async function logTail(path: string): Promise<string> {
  let file;
  try {
    file = await open(path, 'r');
  } catch {
    // A server that never ran has no log; the reason is told without it.
    return '';
  }
  try {
    const { size } = await file.stat();
    const length = Math.min(size, mostBytes);
    const { buffer } = await file.read(Buffer.alloc(length), 0, length, size - length);
    const lines = buffer.toString('utf8').trimEnd().split('\n').slice(-mostLines);
    return lines
      .filter((line) => line !== '')
      .map((line) => `\n  ${line}`)
      .join('');
  } finally {
    await file.close();
  }
}
