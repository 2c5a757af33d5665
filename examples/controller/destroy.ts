import { lstat, realpath, rmdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing, nameProblem } from '../../controller/root-path';
import { readExample, type ExampleController } from './build-controller';
import { databaseClient } from './database';
import { exampleAccess } from './run-controller';

/** What an accident took. */
export interface Destroyed {
  readonly databases: readonly string[];
  readonly paths: number;
}

/**
 * The accident: drops every given database of an example controller and deletes every given path
 * below its root. mongod, its data directory and its user stay. Refuses, before anything is
 * changed, a path whose realpath leaves the example's root.
 * @param directory of the example: only what `example.json` in it describes is touched.
 * @param paths relative to the root, as in root.tar.
 */
export async function destroyController(
  directory: string,
  held: { readonly databases: readonly string[]; readonly paths: readonly string[] },
): Promise<Destroyed> {
  const example = await readExample(directory);
  const kept = ['admin', 'config', 'local'];
  const databases = held.databases.filter((name) => !kept.includes(name));
  // Longest first: what lies in a directory goes before the directory.
  const paths = [...held.paths].sort((a, b) => b.length - a.length);
  for (const path of paths) await requireInside(example, path);
  const client = databaseClient(exampleAccess(example));
  try {
    for (const name of databases) await client.db(name).dropDatabase();
  } finally {
    await client.close();
  }
  let count = 0;
  for (const path of paths) if (await remove(join(example.root, path))) count += 1;
  return { databases, paths: count };
}

async function requireInside(example: ExampleController, path: string): Promise<void> {
  const problem = nameProblem(path);
  if (problem !== undefined) throw new Error(`${path} is not deleted: ${problem}`);
  const root = await realpath(example.root);
  try {
    // The link itself is deleted, never what it leads to: its directory is what counts.
    const parent = await realpath(join(example.root, path, '..'));
    if (parent === root || parent.startsWith(`${root}/`)) return;
    throw new Error(`${path} is not deleted: it leads to ${parent}, outside ${root}`);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

async function remove(path: string): Promise<boolean> {
  try {
    if ((await lstat(path)).isDirectory()) await rmdir(path);
    else await unlink(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}
