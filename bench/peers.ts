import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import type { ExampleController } from '../examples/controller/build-controller';

const run = promisify(execFile);
const repository = join(__dirname, '../..');
const foundSchema = z.record(z.string(), z.object({ path: z.string(), version: z.string() }));

/** Paths of the servers and tools. */
export interface Programs {
  readonly temporal: string;
  readonly mongod: string;
  readonly mongodump: string;
  readonly mongorestore: string;
}

/** Finds or fetches servers and tools (tools/servers.mjs); gives the path of each. */
export async function findAll<N extends string>(names: readonly N[]): Promise<(name: N) => string> {
  const tool = join(repository, 'tools/servers.mjs');
  const { stdout } = await run(process.execPath, [tool, '--json', ...names]);
  const found = foundSchema.parse(JSON.parse(stdout));
  return (name) => {
    const program = found[name];
    if (program === undefined) throw new Error(`no ${name}`);
    return program.path;
  };
}

/** Finds or fetches what is run beside Holdfast in every row. */
export async function findPrograms(): Promise<Programs> {
  const path = await findAll(['temporal', 'mongod', 'mongodump', 'mongorestore']);
  return {
    temporal: path('temporal'),
    mongod: path('mongod'),
    mongodump: path('mongodump'),
    mongorestore: path('mongorestore'),
  };
}

/** Juju's sequence as a program, or why there is none. */
export type JujuSequence = { readonly program: string } | { readonly missing: string };

/** Builds bench/juju-sequence with the Go on PATH. */
export async function buildJujuSequence(directory: string): Promise<JujuSequence> {
  const program = join(directory, 'juju-sequence');
  try {
    await run('go', ['build', '-o', program, '.'], {
      cwd: join(repository, 'bench/juju-sequence'),
      env: { ...process.env, GOFLAGS: '-mod=mod', GOTOOLCHAIN: 'local', GOWORK: 'off' },
    });
    return { program };
  } catch (error) {
    const [reason] = String(error instanceof Error ? error.message : error).split('\n');
    return { missing: `juju-sequence can't be built: ${reason}` };
  }
}

/** How a program was built: Go's own words on its module, or what it says of its version. */
export async function versionOf(program: string): Promise<string> {
  try {
    const { stdout } = await run('go', ['version', '-m', program]);
    const lines = stdout.split('\n').map((line) => line.trim().split(/\s+/));
    const built = /go\d\S*/.exec(lines[0]?.join(' ') ?? '')?.[0] ?? '';
    const parts = lines.filter(
      ([kind, name]) =>
        kind === 'mod' ||
        (kind === 'dep' &&
          /^(github\.com\/mongodb\/mongo-tools|go\.mongodb\.org\/)/.test(name ?? '')),
    );
    const modules = parts.map(([, name, version]) => `${name} ${version ?? ''}`.trim());
    return `${modules.join(', ')} (${built})`;
  } catch {
    // No Go here, or not a Go program: what it says itself is all there is.
    const { stdout } = await run(program, ['--version']);
    return stdout.split('\n')[0]?.trim() ?? '';
  }
}

/** How MongoDB's tools reach an example's mongod. */
export function connectionArguments({ hosts, password }: ExampleController): string[] {
  const [host = '', port = ''] = hosts[0]?.split(':') ?? [];
  return [
    ['--ssl', '--tlsInsecure', '--authenticationDatabase', 'admin'],
    ['--host', host, '--port', port, '--username', 'machine-0', '--password', password],
  ].flat();
}
