import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { z } from 'zod';
import { repository, run, runWell } from './house/run';

/**
 * Jest transforms these; the compiled CommonJS requires them as they are, which Node allows only
 * when nothing in them awaits at the top.
 */
const esmOnly = z.array(z.string()).parse(listOf(createRequire(__filename)('../jest.config.cjs')));

function listOf(config: unknown): string[] {
  const { transformIgnorePatterns } = z
    .object({ transformIgnorePatterns: z.array(z.string()) })
    .parse(config);
  const names = /\(\?!\((.*?)\)/.exec(transformIgnorePatterns[0] ?? '')?.[1];
  return names?.split('|') ?? [];
}

beforeAll(async () => {
  await runWell(process.execPath, ['tools/build.mjs', '--if-missing'], repository);
});

test.each(esmOnly)('%s, which is ESM only, is loaded by plain require from dist', async (name) => {
  const script = `require('node:module').createRequire(process.argv[1])('${name}')`;
  const from = join(repository, 'dist', 'client', 'index.js');
  expect(await run(process.execPath, ['-e', script, from], repository)).toEqual({
    status: 0,
    stdout: '',
    stderr: '',
  });
});

test('every package that Jest transforms is ESM only, so the list holds nothing needless', async () => {
  expect(esmOnly).toContain('p-limit');
  for (const name of esmOnly) {
    const { type, main } = z
      .object({ type: z.string().optional(), main: z.string().optional() })
      .parse(
        JSON.parse(await readFile(join(repository, 'node_modules', name, 'package.json'), 'utf8')),
      );
    expect({ name, type, main: main?.endsWith('.cjs') ?? false }).toEqual({
      name,
      type: 'module',
      main: false,
    });
  }
});

test('every dependency is loaded by plain require', async () => {
  const { dependencies } = z
    .object({ dependencies: z.record(z.string(), z.string()) })
    .parse(JSON.parse(await readFile(join(repository, 'package.json'), 'utf8')));
  const script = Object.keys(dependencies)
    .map((name) => `require('${name}')`)
    .join(';');
  expect(await run(process.execPath, ['-e', script], repository)).toMatchObject({ status: 0 });
});
