import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { destroyController } from '../../examples/controller/destroy';
import { heldBy } from '../../examples/quickstart/proof';
import { captureServer } from '../../mongo/capture';
import { compareServers } from '../../mongo/compare';
import { binary } from '../mongo/mongod';
import { startReplicaSet } from '../mongo/replica-set';
import { Writer } from '../mongo/writer';
import { Site } from './site';
import { captureSite, catchMoment, runFileSize, siteDifferences, type SiteState } from './state';

const run = promisify(execFile);

describe.each(['6.0', '4.4'] as const)(
  'a controller on mongod %s, backed up under load',
  (mongod) => {
    let site: Site;
    let before: SiteState;
    let id: string;

    beforeAll(async () => {
      site = await Site.start({ mongod, seed: 11, size: 15_000_000, heartbeatTimeout: 10_000 });
      await site.startWorkers();
    });
    afterAll(() => site.stop());

    it('is backed up while a writer writes more than 1,000 entries into the window', async () => {
      const client = site.database();
      const writer = new Writer(client);
      const creating = site.begin('create', 'under load', '--quiet');
      await catchMoment('the window is open', async () => {
        return (await runFileSize(site, 'dump/checkpoint-1.json')) !== undefined;
      });
      await site.signalWorker('host', 'SIGSTOP');
      writer.start();
      await catchMoment('the writer has written enough', () =>
        Promise.resolve(writer.rounds >= 60),
      );
      await writer.stop();
      // The writer also writes where Holdfast keeps its own: that is never part of a backup.
      await client.db('holdfast').dropDatabase();
      before = await captureSite(site);
      await client.close();
      await site.signalWorker('host', 'SIGCONT');
      const created = await creating.result;
      expect(created.stderr).not.toContain('error');
      expect(created.status).toBe(0);
      id = created.stdout.trim();
      const info = await site.holdfast('info', id, '--json');
      expect(info.status).toBe(0);
      const entries = /"entries": ?(\d+)/.exec(info.stdout)?.[1];
      expect(Number(entries)).toBeGreaterThan(1_000);
    });

    it('is restored by the real mongorestore, oplog included, to the same data', async () => {
      const { storage, modelUuid } = site.example;
      const directory = await mkdtemp(join(tmpdir(), 'hf-mongorestore-'));
      const other = await startReplicaSet({ version: mongod });
      const client = await other.client();
      try {
        const archive = (await run('find', [join(storage, modelUuid, id), '-name', '*.tar.gz']))
          .stdout;
        await run('tar', ['-xzf', archive.trim(), '-C', directory]);
        const uri = `mongodb://${other.target.hosts.join(',')}/?replicaSet=${other.target.replicaSet ?? ''}`;
        const dump = join(directory, 'juju-backup', 'dump');
        await run(
          binary('HOLDFAST_MONGORESTORE'),
          ['--uri', uri, '--oplogReplay', '--quiet', dump],
          {
            maxBuffer: 1 << 26,
          },
        );
        const restored = { ...(await captureServer(client)), users: {}, roles: {} };
        expect(
          await compareServers({ ...before.database, users: {}, roles: {} }, restored),
        ).toEqual([]);
      } finally {
        await client.close();
        await other.stop();
        await rm(directory, { recursive: true, force: true });
      }
    });

    it('is destroyed, its worker started anew without agent.conf, and restored to what it was', async () => {
      await destroyController(site.example.directory, await heldBy(site.example, id));
      expect(siteDifferences(before, await captureSite(site))).not.toEqual([]);
      await site.signalWorker('host', 'SIGTERM');
      await site.startWorker('host');
      const restored = await site.holdfast('restore', id, '--yes');
      expect(restored.stderr).not.toContain('error');
      expect(restored.status).toBe(0);
      expect(siteDifferences(before, await captureSite(site))).toEqual([]);
      expect(await site.leftovers()).toEqual([]);
    });
  },
);
