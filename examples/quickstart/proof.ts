import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { readIndex } from '../../archive/index-file';
import { dumpDir, pathInBundle } from '../../archive/paths';
import { inventoryFiles, type FileRecord } from '../../controller/inventory-files';
import { captureServer, type Capture } from '../../mongo/capture';
import { compareServers } from '../../mongo/compare';
import type { ExampleController } from '../controller/build-controller';
import { databaseClient } from '../controller/database';
import { exampleAccess, readAgentReport } from '../controller/run-controller';
import type { AgentReport } from '../controller/agent';

/** All of a controller at one moment, as far as it can be compared. */
export interface Snapshot {
  readonly database: Capture;
  readonly files: readonly FileRecord[];
  readonly agent: AgentReport | undefined;
}

/** What an archive holds: databases, and paths below the controller's root. */
export interface Held {
  readonly databases: readonly string[];
  readonly paths: readonly string[];
}

/** Reads from INDEX what a backup holds. */
export async function heldBy(example: ExampleController, backupId: string): Promise<Held> {
  const index = join(example.storage, example.modelUuid, backupId, 'INDEX');
  const databases = new Set<string>();
  const paths: string[] = [];
  for await (const line of readIndex(createReadStream(index), { archive: backupId })) {
    const path = pathInBundle(line.path);
    if (line.type === 'header' || line.type === 'padding' || line.type === 'trailer') continue;
    if (path !== undefined) paths.push(path);
    else if (line.type === 'directory' && line.path.startsWith(`${dumpDir}/`)) {
      databases.add(line.path.slice(dumpDir.length + 1));
    }
  }
  return { databases: [...databases], paths };
}

/** Top-level paths that may hold files of a controller, so that a file too many is found as well. */
const filePlaces = ['var/lib/juju/agents', 'var/lib/juju/init', 'var/lib/juju/tools', 'home'];
const singleFiles = ['system-identity', 'server.pem', 'shared-secret', 'nonce.txt'];

export async function snapshot(example: ExampleController): Promise<Snapshot> {
  const client = databaseClient(exampleAccess(example));
  try {
    const places = [...filePlaces, ...singleFiles.map((name) => `var/lib/juju/${name}`)];
    return {
      database: await captureServer(client),
      files: await inventoryFiles(example.root, places),
      agent: await readAgentReport(example),
    };
  } finally {
    await client.close();
  }
}

/** Every way in which two snapshots differ; empty when the controller is what it was. */
export async function differences(before: Snapshot, after: Snapshot): Promise<string[]> {
  const found = (await compareServers(before.database, after.database)).map(
    ({ namespace, what, detail }) => `${namespace}: ${what}: ${detail}`,
  );
  const was = new Map(before.files.map((file) => [file.path, described(file)]));
  const is = new Map(after.files.map((file) => [file.path, described(file)]));
  for (const path of new Set([...was.keys(), ...is.keys()])) {
    if (was.get(path) === is.get(path)) continue;
    found.push(`${path}: was ${was.get(path) ?? 'absent'}, is ${is.get(path) ?? 'absent'}`);
  }
  return found;
}

/** A directory's time says when something was put into it, not what it holds. */
function described(file: FileRecord): string {
  const { mtime, ...rest } = file;
  return JSON.stringify(file.type === 'directory' ? rest : { ...rest, mtime });
}

export function documentsOf({ database }: Snapshot): number {
  return database.collections.reduce((sum, { documents }) => sum + documents, 0);
}

/** Whether an agent that started after `since` (milliseconds since the epoch) is connected and reads. */
export function connectedSince(agent: AgentReport | undefined, since: number): boolean {
  return agent !== undefined && Date.parse(agent.connectedSince) > since;
}
