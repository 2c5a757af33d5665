import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Timestamp, type MongoClient } from 'mongodb';
import { z } from 'zod';
import { balanceOf, constantBalance, LedgerWriter } from './ledger-writer';
import { Site, type SiteOptions } from './site';
import { catchMoment, runDirectory, runFileSize } from './state';

const opTime = z.object({ ts: z.object({ t: z.number(), i: z.number() }) });
const manifestSchema = z.object({
  mongo: z.object({ oplog: z.object({ start: opTime, end: opTime, entries: z.number() }) }),
});

/**
 * Backups taken while a ledger is written: what they hold is the ledger at the end of their window. Each
 * mongod has a test file of its own, so that they run beside each other.
 */
export function describeConsistency(mongod: SiteOptions['mongod']): void {
  describe(`while a ledger is written on mongod ${mongod}`, () => tests(mongod));
}

function tests(mongod: SiteOptions['mongod']): void {
  let site: Site;
  let client: MongoClient;

  beforeAll(async () => {
    site = await Site.start({
      mongod,
      seed: 51,
      size: 30_000_000,
      heartbeatTimeout: 6_000,
      // mongod writes to config.system.sessions all the time, so also in the window.
      mongodParameters: { logicalSessionRefreshMillis: '500' },
    });
    await site.startWorkers();
    client = site.database();
  });
  afterAll(async () => {
    await client.close();
    await site.stop();
  });

  async function windowOf(
    id: string,
  ): Promise<{ start: Timestamp; end: Timestamp; entries: number }> {
    const { storage, modelUuid } = site.example;
    const text = await readFile(join(storage, modelUuid, id, 'MANIFEST'), 'utf8');
    const { start, end, entries } = manifestSchema.parse(JSON.parse(text)).mongo.oplog;
    return { start: new Timestamp(start.ts), end: new Timestamp(end.ts), entries };
  }

  const isOpen = async (): Promise<boolean> =>
    (await runFileSize(site, 'dump/checkpoint-1.json')) !== undefined;

  /** Whether a checkpoint holds documents, so that the next attempt has something to go on from. */
  async function hasDumped(): Promise<boolean> {
    const dump = join((await runDirectory(site)) ?? '', 'dump');
    // On a slow computer the stopped worker's heartbeat is missed, and there is a second attempt.
    for (const name of await readdir(dump).catch(() => [])) {
      if (!name.startsWith('checkpoint-')) continue;
      const text = await readFile(join(dump, name), 'utf8').catch(() => '');
      if (text.includes('"position"')) return true;
    }
    return false;
  }

  it('a dump whose worker is killed goes on, and its backup is the ledger at the end of the window', async () => {
    const writer = new LedgerWriter(client);
    await writer.prepare();
    await writer.open();
    const creating = site.begin('create', '--json');
    await catchMoment('the window is open', isOpen);
    await site.signalWorker('host', 'SIGSTOP');
    writer.start();
    await catchMoment('transfers', () => Promise.resolve(writer.rounds > 30));
    await writer.commitOpen();
    await site.signalWorker('host', 'SIGCONT');
    await catchMoment('a checkpoint holds documents', hasDumped);
    await site.signalWorker('host', 'SIGKILL');
    await site.startWorker('host');
    const created = await creating.result;
    await writer.stop();
    expect(created).toMatchObject({ status: 0 });
    expect(await site.log('host')).not.toContain('the dump starts again');
    const id = /"backupId": ?"([^"]+)"/.exec(created.stdout)?.[1] ?? '';

    const window = await windowOf(id);
    const { states, counted, later } = writer.at(window.end);
    expect(counted).toBeGreaterThan(300);
    expect(later).toBeGreaterThan(30);
    const refreshes = await client
      .db('local')
      .collection('oplog.rs')
      .countDocuments({
        ts: { $gte: window.start, $lte: window.end },
        $or: [{ ns: 'config.system.sessions' }, { 'o.applyOps.ns': 'config.system.sessions' }],
      });
    expect(refreshes).toBeGreaterThan(0);

    await client.close();
    expect(await site.holdfast('restore', id, '--yes')).toMatchObject({ status: 0 });
    client = site.database();
    const restored = await new LedgerWriter(client).read();
    expect(states).toContainEqual(restored);
    expect(balanceOf(restored)).toBe(constantBalance);
    expect(restored.collections.get('audit')?.get(-1)).toBe(-1);
    expect(restored.collections.has('doomed')).toBe(false);
    await client.close();
    expect(await site.leftovers()).toEqual([]);
    client = site.database();
  });

  it('a rename makes the dump start again, and log and report say so', async () => {
    const ledger = client.db('ledger');
    const creating = site.begin('create', '--json');
    await catchMoment('the window is open', isOpen);
    await site.signalWorker('host', 'SIGSTOP');
    await ledger.collection('plain').rename('renamed');
    await site.signalWorker('host', 'SIGCONT');
    const { status, stdout } = await creating.result;
    expect(status).toBe(0);
    const log = await site.log('host');
    expect(log).toContain('the dump starts again');
    expect(log).toContain('renameCollection (ledger.plain to ledger.renamed)');
    expect(stdout).toMatch(/"dumpRestarts": ?1\b/);
    const id = /"backupId": ?"([^"]+)"/.exec(stdout)?.[1] ?? '';
    const before = await new LedgerWriter(client).read();
    await ledger.collection('renamed').drop();
    await client.close();
    expect(await site.holdfast('restore', id, '--yes')).toMatchObject({ status: 0 });
    client = site.database();
    expect(await new LedgerWriter(client).read()).toEqual(before);
  });
}
