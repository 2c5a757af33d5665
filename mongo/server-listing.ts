import type { MongoClient } from 'mongodb';
import { elementValue, findElement, frames, stringValue } from './bson-frames';
import { listDatabases, type CollectionType } from './collections';
import { listedUuid } from './node-identity';
import { readAll } from './raw-cursor';
import { rawDocument } from './raw-document';

/** A collection or view of a server, those that Holdfast made included. */
export interface ServerCollection {
  readonly database: string;
  readonly name: string;
  readonly type: CollectionType;
  /** 32 hex digits; views have none. */
  readonly uuid?: string;
  /** Raw BSON, in mongod's order. */
  readonly options: Buffer;
}

/** Whether a restore may move it: `system.*` stays where it is, except `system.js`. */
function isMovable(name: string): boolean {
  return name === 'system.js' || !name.startsWith('system.');
}

function typeOf(name: string | undefined): CollectionType {
  return name === 'view' || name === 'timeseries' ? name : 'collection';
}

/**
 * Every collection and view that a restore may move, of all databases that it touches: the live ones,
 * `hf-stage.<n>` and `hf-old.<n>`.
 *
 * @throws HoldfastError HF-MONGO-001, -004, -005, -006
 */
export async function listServer(client: MongoClient): Promise<ServerCollection[]> {
  const listed: ServerCollection[] = [];
  for (const database of await listDatabases(client)) {
    const listing = await readAll(client, {
      database,
      collection: '$cmd.listCollections',
      command: { listCollections: 1 },
    });
    for (const document of frames(listing)) {
      const name = stringValue(document, findElement(document, 'name'));
      if (name === undefined || !isMovable(name)) continue;
      const uuid = listedUuid(document);
      const options = findElement(document, 'options');
      listed.push({
        database,
        name,
        type: typeOf(stringValue(document, findElement(document, 'type'))),
        ...(uuid === undefined ? {} : { uuid }),
        options:
          options === undefined ? rawDocument([]) : Buffer.from(elementValue(document, options)),
      });
    }
  }
  return listed;
}
