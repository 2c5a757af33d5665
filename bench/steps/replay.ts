import { createReadStream } from 'node:fs';
import { dirname, join } from 'node:path';
import { readExample } from '../../examples/controller/build-controller';
import { databaseClient } from '../../examples/controller/database';
import { exampleAccess } from '../../examples/controller/run-controller';
import { loadCollection } from '../../mongo/load-collection';
import { replayOplog } from '../../mongo/oplog-replay';
import { listServer } from '../../mongo/server-listing';
import { makeStagePlan } from '../../mongo/stage-plan';
import { replayCollection, replayDatabase, replayMetadata } from '../replay-window';
import { begin, end } from './step-host';

async function* nothing(): AsyncGenerator<Buffer> {}

/** `replay.js CONFIG DIRECTORY DOCUMENTS`: replays the directory's oplog.bson onto an empty stage. */
async function main(configFile: string, directory: string, expected: number): Promise<void> {
  const example = await readExample(dirname(configFile));
  const client = databaseClient(exampleAccess(example));
  const { signal } = new AbortController();
  const dumped = {
    database: replayDatabase,
    name: replayCollection,
    metadata: replayMetadata,
    documents: 0,
    bytes: 0,
  };
  const plan = makeStagePlan([dumped], await listServer(client));
  const [collection] = plan.collections;
  if (collection === undefined) throw new Error('no stage');
  const stage = client.db(replayDatabase).collection(collection.stage);
  try {
    begin();
    const runId = `bench-${process.pid}`;
    await loadCollection({
      client,
      runId,
      collection,
      read: nothing,
      isTouchedInWindow: () => Promise.resolve(false),
      now: () => performance.now(),
      signal,
    });
    await replayOplog({
      runId,
      client,
      plan,
      read: (): AsyncIterable<Buffer> => createReadStream(join(directory, 'oplog.bson')),
      signal,
    });
    end();
    const found = await stage.countDocuments();
    if (found !== expected) throw new Error(`${found} documents after the replay, not ${expected}`);
  } finally {
    await stage.drop();
    await client.db('holdfast').dropDatabase();
    await client.close();
  }
}

const [, , configFile = '', directory = '', expected = ''] = process.argv;
main(configFile, directory, Number(expected)).then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    process.exit(1);
  },
);
