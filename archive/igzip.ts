import { spawn } from 'node:child_process';

/** `igzip` could not be run or did not end well; the message says how. */
export class IgzipFailed extends Error {
  override readonly name = 'IgzipFailed';
}

/**
 * One gzip member by `igzip` (Intel ISA-L), a child of its own that ends with its input: a
 * worker's death ends it, too.
 * @param program its path, or its name in PATH
 * @param level 0 to 3
 * @throws IgzipFailed
 */
export function igzipMember(program: string, content: Buffer, level: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, [`-${level}`, '-c'], { stdio: ['pipe', 'pipe', 'ignore'] });
    const parts: Buffer[] = [];
    child.stdout.on('data', (part: Buffer) => parts.push(part));
    child.on('error', (error) => reject(new IgzipFailed(error.message, { cause: error })));
    child.on('close', (code, signal) => {
      if (code === 0) resolve(Buffer.concat(parts));
      else
        reject(new IgzipFailed(signal === null ? `it ended with ${code}` : `ended by ${signal}`));
    });
    // A child that ends early is judged by its status.
    child.stdin.on('error', () => undefined);
    child.stdin.end(content);
  });
}
