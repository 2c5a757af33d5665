import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MongoClient } from 'mongodb';
import { z } from 'zod';
import { dropAttemptUsers } from '../../mongo/attempt-user';
import { captureServer, type Capture } from '../../mongo/capture';
import { compareServers, type Difference } from '../../mongo/compare';
import { countFrames } from '../../mongo/bson-frames';
import { dumpServer } from '../../mongo/dump';
import { parseMetadata } from '../../mongo/metadata-parse';
import { dumpFileNames } from '../../mongo/namespaces';
import type { DumpedCollection } from '../../mongo/stage-plan';
import { swapDatabase } from '../../mongo/swap';
import { prepareSwap } from '../../mongo/swap-prepare';
import { dropOld, dropStage } from '../../mongo/swap-cleanup';
import { applyTtl } from '../../mongo/ttl';
import { fillAdversarial, fillLongNames } from './adversarial-data';
import { writeDumpDirectory } from './dump-directory';
import { MemorySink } from './memory-sink';
import { mongodVersions, startReplicaSet, type TestReplicaSet } from './replica-set';
import { stageDump, type Dump } from './restore-steps';
import { runTool } from './tools';

const runId = 'tools';
const namedSchema = z.object({ collectionName: z.string() });
const suffix = '.metadata.json';
const start = { ts: { t: 0, i: 0 }, t: 0 };

/** What mongodump wrote, as its files say it. */
async function readDump(directory: string): Promise<Dump> {
  const collections: DumpedCollection[] = [];
  const data = new Map<string, Buffer>();
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    const database = entry.parentPath.slice(directory.length + 1);
    if (!entry.isFile() || !entry.name.endsWith(suffix) || database === 'admin') continue;
    const metadata = await readFile(join(entry.parentPath, entry.name), 'utf8');
    const { collectionName: name } = namedSchema.parse(JSON.parse(metadata));
    const { type } = parseMetadata(metadata, name);
    const files = dumpFileNames(database, name, type);
    expect(files.metadata).toBe(`${database}/${entry.name}`);
    const bytes =
      files.data === undefined ? Buffer.alloc(0) : await readFile(join(directory, files.data));
    data.set(`${database}.${name}`, bytes);
    collections.push({
      database,
      name,
      metadata,
      documents: countFrames(bytes),
      bytes: bytes.length,
    });
  }
  const oplog = await readFile(join(directory, 'oplog.bson'));
  return { collections, data, oplog, start };
}

/** Users are the target's own: neither side puts them back. */
function ofData(differences: readonly Difference[]): readonly Difference[] {
  return differences.filter(({ what }) => what !== 'user' && what !== 'role');
}

describe.each(mongodVersions)(
  "between Holdfast and MongoDB's own tools on mongod %s",
  (version) => {
    let set: TestReplicaSet;
    let other: TestReplicaSet;
    /** mongorestore needs more than Juju's roles to replay an oplog. */
    let open: TestReplicaSet;
    let client: MongoClient;
    let target: MongoClient;
    let original: Capture;
    let directory: string;

    beforeAll(async () => {
      directory = await mkdtemp(join(tmpdir(), 'holdfast-tools-'));
      set = await startReplicaSet({ version, auth: true });
      other = await startReplicaSet({ version, auth: true });
      open = await startReplicaSet({ version });
      client = await set.client();
      target = await other.client();
      await fillAdversarial(set, client, version);
      await fillLongNames(client, version);
      // mongodump shortens the name of its buckets' file, and mongorestore then misses metadata for it.
      if (version === '6.0') await client.db('long').dropCollection('w'.repeat(230));
      original = await captureServer(client);
    });
    afterAll(async () => {
      await set.stop();
      await other.stop();
      await open.stop();
      await rm(directory, { recursive: true, force: true });
    });

    test('what Holdfast dumps mongorestore restores into an empty server, time series too', async () => {
      const sink = new MemorySink();
      const result = await dumpServer(await set.direct(), sink);
      const path = join(directory, 'holdfast');
      await writeDumpDirectory(path, result, sink);
      await runTool('mongorestore', [...open.toolArguments(), '--oplogReplay', path]);
      expect(ofData(await compareServers(original, await open.client()))).toEqual([]);
    });

    test('what mongodump dumps Holdfast loads, in place of everything that was there', async () => {
      const path = join(directory, 'mongodump');
      await runTool('mongodump', [...set.toolArguments(), '--oplog', `--out=${path}`]);
      const dump = await readDump(path);
      await target.db('juju').collection('types').deleteMany({});
      await target.db('juju').dropCollection('view');
      await target.db('models').dropDatabase();
      await target.db('newer').collection('c').insertOne({ x: 1 });
      const plan = await stageDump(other, dump, { runId });
      await dropAttemptUsers(target, runId);
      await prepareSwap({ client: target, runId }, plan);
      await swapDatabase({ client: target, runId });
      await applyTtl({ client: target, runId }, plan);
      await dropOld({ client: target, runId });
      await dropStage({ client: target, runId });
      expect(ofData(await compareServers(original, target))).toEqual([]);
    });
  },
);
