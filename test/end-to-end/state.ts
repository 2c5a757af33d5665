import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { inventoryFiles, type FileRecord } from '../../controller/inventory-files';
import { captureServer, type Capture } from '../../mongo/capture';
import { compareCaptures } from '../../mongo/compare';
import type { Site } from './site';

/** Everything a restore must bring back. */
export interface SiteState {
  readonly database: Capture;
  readonly files: readonly FileRecord[];
}

const places = [
  'agents',
  'init',
  'tools',
  'system-identity',
  'server.pem',
  'shared-secret',
  'nonce.txt',
];

export async function captureSite(site: Site): Promise<SiteState> {
  const client = site.database();
  try {
    return { database: await captureServer(client), files: await siteFiles(site) };
  } finally {
    await client.close();
  }
}

function siteFiles(site: Site): Promise<readonly FileRecord[]> {
  const { root, dataDir } = site.example;
  const paths = places.map((name) => join(dataDir.slice(1), name));
  return inventoryFiles(root, [...paths, 'home']);
}

/** Every difference, as text; directories' own times do not count. */
export function siteDifferences(a: SiteState, b: SiteState): string[] {
  const found = compareCaptures(a.database, b.database).map((each) => JSON.stringify(each));
  const lines = (state: SiteState): string[] =>
    state.files.map((file) =>
      JSON.stringify(file.type === 'directory' ? { ...file, mtime: 0 } : file),
    );
  const was = new Set(lines(a));
  const is = new Set(lines(b));
  found.push(...[...was].filter((line) => !is.has(line)).map((line) => `- ${line}`));
  found.push(...[...is].filter((line) => !was.has(line)).map((line) => `+ ${line}`));
  return found;
}

/** The directory of the only run in the workspace, if there is one. */
export async function runDirectory(site: Site): Promise<string | undefined> {
  const runs = join(site.example.workspace, 'runs');
  const names = await readdir(runs).catch(() => []);
  return names[0] === undefined ? undefined : join(runs, names[0]);
}

/** Size of a file of the running operation, undefined while there is none. */
export async function runFileSize(site: Site, name: string): Promise<number | undefined> {
  const directory = await runDirectory(site);
  if (directory === undefined) return undefined;
  return await stat(join(directory, name)).then(
    ({ size }) => size,
    () => undefined,
  );
}

/** State of the host's journal, undefined while there is none. */
export async function journalState(site: Site): Promise<string | undefined> {
  try {
    const text = await readFile(join(site.example.workspace, 'operation.json'), 'utf8');
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && 'state' in value
      ? String(value.state)
      : undefined;
  } catch {
    return undefined;
  }
}

/** Asks every few milliseconds: for moments that pass quickly. Fails after 30 s. */
export async function catchMoment(what: string, ask: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (performance.now() < deadline) {
    if (await ask()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error(`never came: ${what}`);
}
