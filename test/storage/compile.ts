import { transformFile } from '@swc/core';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const house = join(__dirname, '../..');

/** Compiles these folders into `to`, so that a child process of a test runs them without a build. */
export async function compileFolders(folders: readonly string[], to: string): Promise<void> {
  for (const folder of folders) {
    for (const name of await readdir(join(house, folder))) {
      if (!name.endsWith('.ts')) continue;
      const { code } = await transformFile(join(house, folder, name), {
        jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
        module: { type: 'commonjs' },
      });
      const target = join(to, folder, name.replace(/\.ts$/, '.js'));
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, code);
    }
  }
}
