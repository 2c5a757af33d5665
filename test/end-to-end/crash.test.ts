import { z } from 'zod';
import { Site } from './site';
import { captureSite, catchMoment, runFileSize, siteDifferences, type SiteState } from './state';

const heartbeatTimeout = 2_000;
const statusSchema = z.object({ network: z.object({ bytesOut: z.number() }) });

/** What crash-every-step.test.ts can't say of a small controller: how much is done again, and how soon. */
describe('a host worker killed with -9', () => {
  let site: Site;
  let before: SiteState;
  let id: string;

  beforeAll(async () => {
    site = await Site.start({
      mongod: '6.0',
      seed: 21,
      size: 60_000_000,
      heartbeatTimeout,
      smallMembers: true,
    });
    await site.startWorkers();
    before = await captureSite(site);
  });
  afterAll(() => site.stop());

  /** Bytes that mongod has sent so far. */
  async function sent(): Promise<number> {
    const client = site.database();
    try {
      const status = await client.db('admin').command({ serverStatus: 1 });
      return statusSchema.parse(status).network.bytesOut;
    } finally {
      await client.close();
    }
  }

  // With members of 128 KiB, so that this dump is to them what one of 2 GB is to those of 4 MiB.
  it('at 80 % of the dump: another goes on soon, and reads less than 10 % again', async () => {
    let spooled = 0;
    const spool = async (attempt: number): Promise<number> =>
      (await runFileSize(site, `dump/seg-${attempt}`)) ?? 0;
    const begun = await sent();
    const undisturbed = site.begin('create', '--quiet');
    const ended = undisturbed.result.then(({ status }) => status);
    for (;;) {
      spooled = Math.max(spooled, await spool(1));
      const status = await Promise.race([ended, new Promise((resolve) => setImmediate(resolve))]);
      if (status === undefined) continue;
      expect(status).toBe(0);
      break;
    }
    const once = (await sent()) - begun;

    const killing = site.begin('create', '--quiet');
    await catchMoment('80 % of the dump', async () => (await spool(1)) > 0.8 * spooled);
    await site.signalWorker('host', 'SIGKILL');
    const killed = performance.now();
    await site.startWorker('host');
    await catchMoment('the next attempt', async () => (await spool(2)) > 0);
    const away = performance.now() - killed;
    const { status, stdout, stderr } = await killing.result;
    expect({ status, stderr }).toMatchObject({ status: 0 });
    id = stdout.trim();
    const again = (await sent()) - begun - 2 * once;
    expect(away).toBeLessThan(heartbeatTimeout + 5_000);
    expect(again / once).toBeLessThan(0.1);
    expect((await site.holdfast('verify', id)).status).toBe(0);
    expect(await site.leftovers()).toEqual([]);
  });

  it('in the middle of the load: another goes on, nothing is doubled or lost', async () => {
    const client = site.database();
    const restoring = site.begin('restore', id, '--yes');
    await catchMoment('the load has made progress', async () => {
      if ((await runFileSize(site, 'load/epoch-1')) === undefined) return false;
      const loaded = await client.db('holdfast').collection('progress').countDocuments();
      if (loaded <= 5) return false;
      // An open connection of ours would rightly keep the restore from swapping.
      await client.close();
      return true;
    });
    await site.signalWorker('host', 'SIGKILL');
    await site.startWorker('host');
    const { status, stderr } = await restoring.result;
    expect({ status, stderr }).toMatchObject({ status: 0 });
    expect(siteDifferences(before, await captureSite(site))).toEqual([]);
    expect(await site.leftovers()).toEqual([]);
  });
});
