import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { binary } from './mongod';

const run = promisify(execFile);

/** Runs one of MongoDB's own tools; its output is in the error when it fails. */
export async function runTool(
  tool: 'mongodump' | 'mongorestore' | 'bsondump',
  args: readonly string[],
): Promise<string> {
  const path = binary(`HOLDFAST_${tool.toUpperCase()}`);
  try {
    const { stdout } = await run(path, args, { maxBuffer: 256 * 1024 * 1024 });
    return stdout;
  } catch (error) {
    const stderr =
      typeof error === 'object' && error !== null && 'stderr' in error ? String(error.stderr) : '';
    throw new Error(`${tool} failed:\n${stderr}`, { cause: error });
  }
}
