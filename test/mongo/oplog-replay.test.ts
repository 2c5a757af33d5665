import type { MongoClient } from 'mongodb';
import { captureServer, type Capture } from '../../mongo/capture';
import { countFrames, frames } from '../../mongo/bson-frames';
import { compareCaptures, compareServers } from '../../mongo/compare';
import { oplogStream } from '../../mongo/dump';
import { rollbackSwap, swapDatabase } from '../../mongo/swap';
import { prepareAddition, prepareSwap } from '../../mongo/swap-prepare';
import { NamespaceSelection, type NamespaceMap } from '../../core/namespace-selection';
import { readEntryHead } from '../../mongo/oplog-window';
import { dropOld, dropStage } from '../../mongo/swap-cleanup';
import { applyTtl } from '../../mongo/ttl';
import { mongodVersions, startReplicaSet, type TestReplicaSet } from './replica-set';
import { oplogSince, stageDump, takeDump, type Dump, type StageOptions } from './restore-steps';
import { fillBefore, windowScript } from './window-script';

/** A dump as a restore of collections sees it: chosen collections under their new names. */
function renamed(dump: Dump, names: NamespaceMap): Dump {
  const data = new Map<string, Buffer>();
  const collections = dump.collections.flatMap((one) => {
    const source = `${one.database}.${one.name}`;
    const target = names.target(source);
    if (target === undefined) return [];
    data.set(target, dump.data.get(source) ?? Buffer.alloc(0));
    const [database = '', ...rest] = target.split('.');
    return [{ ...one, database, name: rest.join('.') }];
  });
  return { ...dump, collections, data };
}

describe.each(mongodVersions)(
  'an oplog window of mongod %s with the roles Juju gives',
  (version) => {
    let set: TestReplicaSet;
    let client: MongoClient;
    let before: Dump;
    let meanwhile: Dump;
    let after: Dump;
    let oplog: Buffer;
    let expected: Capture;

    beforeAll(async () => {
      // Transactions become chains of entries, as those do that are larger than 16 MB.
      const setParameter = { maxNumberOfTransactionOperationsInSingleOplogEntry: '7' };
      set = await startReplicaSet({ version, auth: true, setParameter });
      client = await set.client();
      await fillBefore(client);
      before = await takeDump(set);
      const left = [...windowScript];
      let steps = Promise.resolve();
      meanwhile = await takeDump(set, (stream) => {
        if (stream !== oplogStream) steps = steps.then(() => left.shift()?.(client));
        return steps;
      });
      expect(left).toEqual([]);
      oplog = await oplogSince(client, before.start);
      after = await takeDump(set);
      expected = await captureServer(client);
    });
    afterAll(() => set.stop());

    async function restored(
      dump: Dump,
      runId: string,
      options: Partial<StageOptions> = {},
    ): Promise<void> {
      const plan = await stageDump(set, dump, { runId, ...options });
      await prepareSwap({ client, runId }, plan);
      await swapDatabase({ client, runId });
      await applyTtl({ client, runId }, plan);
      expect(await compareServers(expected, client)).toEqual([]);
      await rollbackSwap({ client, runId });
      await dropStage({ client, runId });
      expect(await compareServers(expected, client)).toEqual([]);
    }

    test('holds more than a thousand entries', () => {
      expect(countFrames(oplog)).toBeGreaterThan(1_000);
    });

    test('brings a dump of its beginning to its end', () =>
      restored({ ...before, oplog }, 'before'));

    test('leaves a dump of its end as it is', () => restored({ ...after, oplog }, 'after'));

    test('mends a dump that was listed at its beginning and read at its end', () => {
      const data = new Map(
        before.collections.map(({ database, name }) => {
          const namespace = `${database}.${name}`;
          return [namespace, after.data.get(namespace) ?? Buffer.alloc(0)];
        }),
      );
      const collections = before.collections.map((one) => {
        const bytes = data.get(`${one.database}.${one.name}`) ?? Buffer.alloc(0);
        return { ...one, documents: countFrames(bytes), bytes: bytes.length };
      });
      return restored({ ...before, collections, data, oplog }, 'mixed');
    });

    test('makes a dump that was taken while it all happened whole', () =>
      restored(meanwhile, 'meanwhile'));

    test('is replayed for chosen collections alone, under their other names', async () => {
      const runId = 'chosen';
      const rename = { from: 'juju.*', to: 'copy.*' };
      const names = new NamespaceSelection({ include: ['juju.*'], exclude: [], rename });
      const plan = await stageDump(set, renamed({ ...before, oplog }, names), { runId, names });
      await prepareAddition({ client, runId }, plan, { replace: false });
      await swapDatabase({ client, runId });
      await applyTtl({ client, runId }, plan);
      const found = await captureServer(client);
      const copies = expected.collections
        .filter(({ namespace }) => namespace.startsWith('juju.'))
        .map((one) => ({ ...one, namespace: one.namespace.replace('juju.', 'copy.') }));
      const collections = [...copies, ...expected.collections].toSorted((a, b) =>
        a.namespace < b.namespace ? -1 : 1,
      );
      expect(compareCaptures({ ...expected, collections }, found)).toEqual([]);
      await rollbackSwap({ client, runId });
      await dropStage({ client, runId });
      expect(await compareServers(expected, client)).toEqual([]);
    });

    test('is replayed up to a limit, exclusive: whole entries, and nothing behind it', async () => {
      const moments = [...frames(oplog)].map((entry) => readEntryHead(entry).opTime.ts);
      const until = moments[moments.length >> 1];
      const result = { entries: 0 };
      const runId = 'limited';
      await stageDump(
        set,
        { ...before, oplog },
        { runId, until, onResult: (found) => void Object.assign(result, found) },
      );
      expect(result.entries).toBe(moments.length >> 1);
      await dropStage({ client, runId });
    });

    test('may be replayed again from its beginning, after a stop anywhere', async () => {
      const stop = new AbortController();
      const dump = { ...before, oplog };
      let groups = 0;
      const stopped = stageDump(set, dump, {
        runId: 'again',
        signal: stop.signal,
        onReplay: () => {
          if (++groups === 8) stop.abort(new Error('stopped'));
        },
      });
      await expect(stopped).rejects.toThrow('stopped');
      await restored(dump, 'again', { epoch: 2 });
    });

    test('replaces the live data for good once the old collections are dropped', async () => {
      const runId = 'good';
      const plan = await stageDump(set, { ...before, oplog }, { runId });
      await prepareSwap({ client, runId }, plan);
      await swapDatabase({ client, runId });
      await applyTtl({ client, runId }, plan);
      await dropOld({ client, runId });
      await dropStage({ client, runId });
      expect(await compareServers(expected, client)).toEqual([]);
    });
  },
);
