import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** A compiled file of the build: processes start from `dist`. */
export function compiled(path: string): string {
  const file = join(__dirname, '../../dist', path);
  if (!existsSync(file)) throw new Error(`${file} is missing: run \`npm run build\` first`);
  return file;
}
