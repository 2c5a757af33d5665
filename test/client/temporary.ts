import { randomInt } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const directories: string[] = [];

/** A directory that `removeDirectories` removes. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-test-'));
  directories.push(directory);
  return directory;
}

export async function removeDirectories(): Promise<void> {
  for (const directory of directories.splice(0)) {
    await rm(directory, { recursive: true, force: true });
  }
}

/**
 * A port nobody listens on now, outside the range the system gives to others: a server that is
 * started beside this test must not get it meanwhile.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 32_000);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** Waits until `condition` gives something. */
export async function until<T>(
  condition: () => T | undefined | false | Promise<T | undefined | false>,
  what: string,
  within = 20_000,
): Promise<T> {
  const deadline = performance.now() + within;
  for (;;) {
    const result = await condition();
    if (result !== undefined && result !== false) return result;
    if (performance.now() > deadline) throw new Error(`${what}: not within ${within} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export const modelUuid = '11111111-2222-4333-8444-555555555555';

/** A holdfast.yaml in `directory` whose controller is known without an agent.conf. */
export async function writeConfig(directory: string, port: number): Promise<string> {
  const file = join(directory, 'holdfast.yaml');
  const lines = [
    'controller:',
    `  modelUuid: ${modelUuid}`,
    '  machine: machine-0',
    'storage:',
    '  name: attic',
    '  type: file',
    '  path: storage',
    'workspace: workspace',
    'temporal:',
    `  address: 127.0.0.1:${port}`,
  ];
  await writeFile(file, `${lines.join('\n')}\n`);
  return file;
}
