import { spawn } from 'node:child_process';
import { buffer } from 'node:stream/consumers';

/** Bytes: the documentation is to stay small. */
const largest = 200_000;

/**
 * A PNG of under 200 KB: as it is when it is small enough, else with a palette made by `pngquant`.
 * @throws Error when `pngquant` is needed and not there, or does not make it small enough
 */
export async function fewerColours(png: Buffer): Promise<Buffer> {
  if (png.length < largest) return png;
  const child = spawn('pngquant', ['--speed', '1', '64', '-'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const failed = new Promise<never>((_resolve, reject) => {
    child.on('error', (error) =>
      reject(new Error(`a picture of ${png.length} bytes needs pngquant: ${error.message}`)),
    );
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(png);
  const smaller = await Promise.race([buffer(child.stdout), failed]);
  if (smaller.length === 0 || smaller.length >= largest) {
    throw new Error(`pngquant made ${smaller.length} bytes of ${png.length}`);
  }
  return smaller;
}
